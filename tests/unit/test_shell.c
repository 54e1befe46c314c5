/* SPDX-License-Identifier: GPL-3.0-or-later */
/* agent/commands/shell.c: the bar of what is done, and output that could not be written. */
#include "agent/commands/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Whatever the width, one line that does not wrap, and says how much is done. */
static void test_bar(void **state)
{
    static const struct {
        const char *dataset;
        double done;
        int width;
        const char *text;
    } cases[] = {
        {"t", 0.5, 120, "t: backtest [####################                    ]  50%"},
        {"t", 0.5, 40, "t: backtest [##########          ]  50%"},
        {"delay_predictions", 1, 50, "delay_predictions: backtest [##############] 100%"},
        {"delay_predictions", 0.25, 40, "delay_predictions  25%"},
        {"delay_predictions", 0.25, 12, "delay_  25%"},
        {"delay_predictions", -1, 1, "   0%"},
        {"t", 2, 40, "t: backtest [####################] 100%"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        vg_shell_bar_text(cases[i].dataset, "backtest", cases[i].done, cases[i].width, text,
                          sizeof text);
        assert_string_equal(text, cases[i].text);
    }
    for (int width = 8; width < 200; width++) {
        char text[512];
        int n = vg_shell_bar_text("delay_predictions", "calibrating", 1, width, text, sizeof text);
        assert_true(n < width);
        assert_non_null(strstr(text, "100%"));
    }
}

/* The exit code of a command whose output goes there. */
static int write_to(FILE *out, int rc)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        if (dup2(fileno(out), STDOUT_FILENO) < 0 || !freopen("/dev/null", "w", stderr))
            _exit(99);
        fputs("something", stdout);
        _exit(vg_shell_written(rc));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    fclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_written(void **state)
{
    (void)state;
    fflush(NULL);
    assert_int_equal(write_to(fopen("/dev/null", "w"), VG_EXIT_FAILED), VG_EXIT_FAILED);
    assert_int_equal(write_to(fopen("/dev/full", "w"), VG_EXIT_OK), VG_EXIT_INTERNAL);
    assert_int_equal(write_to(fopen("/dev/full", "w"), VG_EXIT_USAGE), VG_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bar), cmocka_unit_test(test_written)};
    return cmocka_run_group_tests_name("shell", tests, NULL, NULL);
}
