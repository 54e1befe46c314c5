# SPDX-License-Identifier: GPL-3.0-or-later
"""The few shapes that the pictures are made of: an SVG file as text, readable in a difference."""
from html import escape

INK, FAINT, GRID = "#1f2328", "#6e7781", "#d0d7de"
RED, BLUE, GREEN, ORANGE = "#cf222e", "#0969da", "#1a7f37", "#bc4c00"


class Picture:
    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.shapes = []

    def rect(self, x, y, width, height, fill, opacity=1, stroke="none"):
        self.shapes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}"'
                           f' height="{height:.1f}"'
                           f' fill="{fill}" fill-opacity="{opacity}" stroke="{stroke}"/>')

    def line(self, x1, y1, x2, y2, stroke=INK, width=1, dashes=""):
        self.shapes.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
                           f' stroke="{stroke}" stroke-width="{width}"'
                           + (f' stroke-dasharray="{dashes}"' if dashes else "") + "/>")

    def dot(self, x, y, fill=INK, radius=1.5):
        self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{fill}"/>')

    def text(self, x, y, text, size=12, anchor="start", fill=INK, bold=False):
        weight = ' font-weight="600"' if bold else ""
        self.shapes.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}"'
                           f' text-anchor="{anchor}" fill="{fill}"{weight}>{escape(text)}</text>')

    def write(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}"'
            f' width="{self.width}" height="{self.height}" role="img"'
            ' font-family="system-ui, sans-serif">\n'
            f"<title>{escape(self.title)}</title>\n"
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>\n'
            + "\n".join(self.shapes) + "\n</svg>\n")
