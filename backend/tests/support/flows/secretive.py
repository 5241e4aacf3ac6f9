"""A workflow that says its secrets wherever it can."""

import logging
import os
import sys
import time
from pathlib import Path

from pydantic import BaseModel, SecretStr

from headway import log, progress, shell, step, workflow

FALLBACK = SecretStr("dflt-s3cr3t")


class Account(BaseModel):
    user: str
    password: SecretStr


@step
def talk(account: Account, marker: str) -> int:
    """Say them, then wait until the file `marker` is there."""
    secret, password = os.environ["SHOP_PASSWORD"], account.password.get_secret_value()
    sys.stdout.write(f"printed {secret} and {password}\n")
    sys.stderr.write(f"quoted {secret!r} {secret!a}\n")
    logging.getLogger("shop").warning("Authorization: Bearer %s", "abcdef0123456789abcdef")
    log(f"connects to postgres://app:{password}@db/app")
    progress(1, 2, message=f"with {secret}")
    shell(["echo", secret])
    while not Path(marker).exists():
        time.sleep(0.02)
    return len(password)


@step
def fall(reason: str) -> None:
    raise PermissionError(f"refused: {os.environ['SHOP_PASSWORD']} {reason}")


@workflow
def secretive(account: Account, marker: str, *, fails: bool = True, fallback: SecretStr = FALLBACK) -> str:
    length, password = talk(account, marker), account.password.get_secret_value()
    if fails:
        fall(password)
    return f"{password} {os.environ['SHOP_PASSWORD']} {length} {fallback.get_secret_value()}"
