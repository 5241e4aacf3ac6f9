"""A database as any other program sees it."""

import sqlite3
from pathlib import Path


def by_hand(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on the file as any other program would; the last one's rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = connection.execute(statement).fetchall()
        return rows
    finally:
        connection.close()
