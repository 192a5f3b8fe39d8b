# SPDX-License-Identifier: Apache-2.0
"""Second processes of a service, which the driver knows nothing of."""
import os
import subprocess

from stack import BUILD

PORTS = {"billing": 31, "notify": 32, "control": 33}


def start_second(stack, folder, instance, part="billing", **settings):
    """Output goes to <part>-<instance>.log in the folder."""
    env = dict(line.split("=", 1) for line in (stack.var / "stack.env").read_text().splitlines())
    env |= {"RISER_INSTANCE": instance, "RISER_HTTP_PORT": str(stack.port_base + PORTS[part]), "PATH": os.environ["PATH"]}
    settings_of_all = ("RISER_SESSION_TIMEOUT", "RISER_SMTP_TIMEOUT", "RISER_WEBHOOK_TIMEOUT", "RISER_COMMAND_")
    env |= {name: value for name, value in stack.env.items() if name.startswith(settings_of_all)}
    with open(folder / f"{part}-{instance}.log", "ab") as log:
        return subprocess.Popen([BUILD / "bin" / f"riser-{part}"], env=env | settings,
                                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
