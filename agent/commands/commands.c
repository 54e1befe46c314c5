/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command tree as data, in the order of the help. */
#include <stddef.h>

#include "agent/commands/shell.h"

extern const struct vg_command vg_command_init, vg_command_run, vg_command_check,
    vg_command_validate, vg_command_explain, vg_command_reference, vg_command_status,
    vg_command_notify, vg_command_quarantine, vg_command_reload, vg_command_checks,
    vg_command_states, vg_command_version, vg_command_silence, vg_command_acknowledge,
    vg_command_outbox, vg_command_backtest, vg_command_retrain;

const struct vg_command *const vg_commands[] = {
    &vg_command_init,
    &vg_command_run,
    &vg_command_check,
    &vg_command_validate,
    &vg_command_explain,
    &vg_command_status,
    &vg_command_backtest,
    &vg_command_reference,
    &vg_command_notify,
    &vg_command_silence,
    &vg_command_acknowledge,
    &vg_command_outbox,
    &vg_command_retrain,
    &vg_command_quarantine,
    &vg_command_reload,
    &vg_command_checks,
    &vg_command_states,
    &vg_command_version,
    NULL,
};
