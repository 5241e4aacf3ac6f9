"""Which subscriptions of one connection are written what comes, and are not asked (`docs/adr/0011`)."""

from collections.abc import Sequence

from headway.protocol.session import Session
from headway.services.following import Following


class Enlistments:
    """Between the followings of a connection and its session, which learns what they got when settled.

    Args:
        session: Says how much it has room for, and is told what was written of it.
    """

    def __init__(self, session: Session) -> None:
        self.written_bytes = 0  # of all frames that were settled
        self._session = session
        self._enlisted: dict[Following, None] = {}

    def enlist(self, following: Following) -> None:
        """Let it be written what comes, as far as the session would take it; nothing may be under way."""
        room = self._session.room(following.number)
        if room is not None and following.enlist(room):
            self._enlisted[following] = None

    def settle(self, following: Following) -> bool:
        """Tell the session what it was written; true if there was anything. It is asked again from now on."""
        if following not in self._enlisted:
            return False
        del self._enlisted[following]
        taken, written_bytes = following.discharge()
        self.written_bytes += written_bytes
        if taken:
            self._session.settled(following.number, taken)
        return bool(taken)

    def settle_all(self) -> Sequence[Following]:
        """The same for each; those that were enlisted."""
        if not self._enlisted:
            return ()
        enlisted = list(self._enlisted)
        for following in enlisted:
            self.settle(following)
        return enlisted

    def forget(self, following: Following) -> None:
        """It is watched no more: nobody asks what it was written."""
        self._enlisted.pop(following, None)
