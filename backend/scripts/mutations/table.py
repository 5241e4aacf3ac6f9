"""The checks that "exactly once on the screen" rests on, and the tests that notice when one is gone."""

from scripts.mutations.mutation import Mutation

_SRC = "backend/src/headway"
_CONTRACT = "tests/contracts/test_journal_contract.py"
_SIMPLE = "tests/test_websockets.py"
_RICH = "tests/test_websockets_rich.py"
_DEFLATE = "tests/test_websockets_deflate.py"
_POSITION = "tests/unit/test_viewer_position.py"
_CLIENT = "tests/unit/test_client_session.py"

LOG = (
    Mutation(
        name="a batch that is stored already is stored again",
        file=f"{_SRC}/adapters/journal/admission.py",
        old="if _repeats(batch, mark):",
        new="if False:",
        tests=(f"{_CONTRACT}::TestAppend::test_a_repeated_batch_adds_nothing",),
        is_quick=True,
    ),
    Mutation(
        name="a producer may skip numbers",
        file=f"{_SRC}/adapters/journal/admission.py",
        old="if batch.first_producer_seq != expected:",
        new="if False:",
        tests=(f"{_CONTRACT}::TestAppend::test_only_the_next_or_the_very_last_batch_of_a_producer_is_taken",),
    ),
    Mutation(
        name="who has lost the lease goes on writing",
        file=f"{_SRC}/adapters/journal/admission.py",
        old="if lease is not None and (",
        new="if False and (",
        tests=(f"{_CONTRACT}::TestLease::test_who_has_lost_the_lease_stores_nothing",),
    ),
    Mutation(
        name="the log takes events after the terminal one",
        file=f"{_SRC}/adapters/journal/admission.py",
        old="if standing.closed:",
        new="if False:",
        tests=(f"{_CONTRACT}::TestAppend::test_the_terminal_event_is_last",),
    ),
    Mutation(
        name="a batch is stored wherever the log is",
        file=f"{_SRC}/adapters/journal/admission.py",
        old="if batch.expected_last_seq is not None and batch.expected_last_seq != standing.last_seq:",
        new="if False:",
        tests=(f"{_CONTRACT}::TestAppend::test_the_log_must_be_where_it_is_expected",),
    ),
    Mutation(
        name="the fold counts an event twice",
        file=f"{_SRC}/domain/execution.py",
        old="if event.seq <= self.seq or self.closed:",
        new="if self.closed:",
        tests=("tests/unit/test_execution_fold.py::test_repeats_and_older_events_change_nothing",),
    ),
)

SERVER = (
    Mutation(
        name="the server resumes a viewer of another history",
        file=f"{_SRC}/protocol/resume.py",
        old="return tag == cursor.tag",
        new="return True",
        tests=("tests/unit/test_resume.py::test_the_decision_table",),
        is_quick=True,
    ),
    Mutation(
        name="the server sends a run that does not follow",
        file=f"{_SRC}/protocol/subscription.py",
        old="return piece.after == cursor.seq",
        new="return True or piece.after == cursor.seq",
        tests=("tests/unit/test_session.py::test_events_that_do_not_continue_are_never_sent",),
    ),
    Mutation(
        name="compressed lines are passed on with a flipped bit",
        file=f"{_SRC}/adapters/journal/segment_rows.py",
        old="is_whole = check == _check(",
        new="is_whole = True or check == _check(",
        tests=(
            "tests/unit/test_segment_rows.py::test_a_bit_flipped_anywhere_is_told",
            "tests/unit/test_replay.py::test_compressed_lines_with_a_flipped_bit_are_sent_to_nobody",
        ),
    ),
    Mutation(
        name="the sweep does not look for events that no hint told of",
        file=f"{_SRC}/services/tails.py",
        old="            else:\n                tail.notice(head.last_seq)",
        new="",
        tests=(f"{_RICH}::test_without_any_hint_the_head_is_reached",),
    ),
    Mutation(
        name="the sweep does not see that the log was replaced",
        file=f"{_SRC}/services/tails.py",
        old="if is_replaced(tail, published, head):",
        new="if False:",
        tests=(f"{_SIMPLE}::test_a_log_that_is_replaced_under_a_viewer_closes_it",),
    ),
    Mutation(
        name="who does not acknowledge is sent more",
        file=f"{_SRC}/protocol/subscription.py",
        old="if not self._window.is_open:",
        new="if False:",
        tests=("tests/unit/test_session.py::test_a_window_full_of_unacked_events_pauses_until_an_ack",),
    ),
    Mutation(
        name="what was written to a cohort is not settled with the session",
        file=f"{_SRC}/services/enlistments.py",
        old="self._session.settled(following.number, taken)",
        new="pass",
        tests=("tests/unit/test_feed.py::test_every_viewer_ends_with_the_journal",),
    ),
    Mutation(
        name="a viewer is enlisted where it does not stand",
        file=f"{_SRC}/services/rounds.py",
        old="        elif room.cursor.seq != seq:\n            return False\n",
        new="",
        tests=("tests/unit/test_rounds.py::test_an_older_end_of_this_very_log_is_elsewhere_too",),
    ),
    Mutation(
        name="a cohort is written more than its members have room for",
        file=f"{_SRC}/services/rounds.py",
        old="if run.upto > cohort.until_seq or",
        new="if",
        tests=("tests/unit/test_rounds.py::test_nobody_is_written_more_than_it_has_room_for",),
    ),
    Mutation(
        name="a frame goes without the dictionary that it is packed with",
        file=f"{_SRC}/services/feed_viewer.py",
        old="            frame = needs.frame + frame\n",
        new="",
        tests=(f"{_DEFLATE}::test_a_new_connection_starts_without_dictionaries[ready frames]",),
    ),
    Mutation(
        name="a dictionary and its frame are parted by a pause",
        file=f"{_SRC}/services/feed_viewer.py",
        old="            frame = needs.frame + frame\n",
        new="            self._outlet.write(needs.frame)\n",
        tests=(
            "tests/unit/test_feed.py"
            "::test_a_viewer_that_pauses_at_every_write_is_given_the_dictionary_with_the_frame_that_needs_it",
        ),
    ),
)

CLIENT = (
    Mutation(
        name="the Python client applies another history",
        file=f"{_SRC}/protocol/viewer_position.py",
        old="return header.cf is not None or chain(cursor.tag, body) == sent.tag",
        new="return True",
        tests=(
            f"{_CLIENT}::test_another_history_is_never_applied",
            f"{_POSITION}::test_a_whole_frame_must_continue_the_chain",
        ),
        is_quick=True,
    ),
    Mutation(
        name="the Python client applies what does not follow",
        file=f"{_SRC}/protocol/viewer_position.py",
        old="return header.after == cursor.seq",
        new="return True",
        tests=(f"{_POSITION}::test_a_conflated_frame_must_follow_though_its_bytes_prove_nothing",),
        is_quick=True,
    ),
    Mutation(
        name="the Python client does not know a repeated frame",
        file=f"{_SRC}/protocol/viewer_position.py",
        old="return header.upto <= cursor.seq",
        new="return False",
        tests=(f"{_CLIENT}::test_what_follows_is_taken_and_what_is_here_is_not",),
    ),
    Mutation(
        name="the Python client leaves an execution before its end",
        file=f"{_SRC}/protocol/viewer_position.py",
        old="return end == (position.execution_id, position.cursor)",
        new="return True",
        tests=(f"{_CLIENT}::test_an_execution_whose_end_is_missing_is_not_left",),
    ),
)

_SESSION = "frontend/src/core/session.ts"
_EXECUTIONS = "src/core/session.test.ts::a workflow, one execution after the other"
_FRAMES = "src/core/session.test.ts::what a client does with a frame"

PAGE = (
    Mutation(
        name="the page applies another history",
        file=_SESSION,
        old="return header.cf !== null || chain(cursor.tag, body) === to.tag",
        new="return true",
        tests=(
            f"{_FRAMES} applies nothing of altered bytes, and asks again",
            f"{_FRAMES} applies nothing of a tag of another history, and asks again",
        ),
    ),
    Mutation(
        name="the page applies what does not follow",
        file=_SESSION,
        old="if (header.after !== cursor.seq || to.epoch !== cursor.epoch) return false",
        new="",
        tests=(f"{_FRAMES} applies nothing of a frame that leaves events out and does not follow",),
    ),
    Mutation(
        name="the page does not know a repeated frame",
        file=_SESSION,
        old="return header.upto <= cursor.seq",
        new="return false",
        tests=(f"{_FRAMES} ignores what it has",),
    ),
    Mutation(
        name="the page leaves an execution before its end",
        file=_SESSION,
        old="return !cursor || executionId === held || this.#end === nameOf(this.#held)",
        new="return true",
        tests=(f"{_EXECUTIONS} does not leave one whose end is missing",),
    ),
)

_CHUNKS = "tests/integration/test_http_log.py::test_a_restored_copy_that_goes_on_otherwise_has_other_chunks"
_RESTORED = "tests/integration/test_producers_restored.py"

OUTSIDE = (
    Mutation(
        name="outside: an answer is written though its question has moved",
        file=f"{_SRC}/services/controls.py",
        old="            expected_last_seq=state.seq,\n            overlooks=_BESIDE_QUESTIONS,\n",
        new="",
        tests=("tests/unit/test_controls.py::test_an_answer_that_comes_too_late_by_a_hair_is_not_written",),
    ),
    Mutation(
        name="outside: a chunk's tag does not name its history",
        file=f"{_SRC}/services/log_chunks.py",
        old=".{end.tag:08x}",
        new="",
        tests=(_CHUNKS,),
    ),
    Mutation(
        name="outside: where chunks end is believed after a restore",
        file=f"{_SRC}/services/log_lines.py",
        old="and self._journal.tag_at(execution_id, end.seq) == end.tag",
        new="",
        tests=(_CHUNKS,),
    ),
    Mutation(
        name="outside: an event that is gone is answered",
        file=f"{_SRC}/client/producer.py",
        old="if outbox.event is not None and not await self._client.holds(",
        new="if False and not await self._client.holds(",
        tests=(f"{_RESTORED}::test_an_event_that_is_gone_while_its_answer_was_thought_of_is_not_answered",),
    ),
    Mutation(
        name="outside: what a former life has answered is believed after a restore",
        file=f"{_SRC}/client/producer.py",
        old="if not (await self._holds(self._outbox.stored) and await self._holds(self._outbox.event)):",
        new="if False:",
        tests=(f"{_RESTORED}::test_a_life_after_a_restore_answers_what_is_left_and_no_more",),
    ),
)

MUTATIONS = (*LOG, *SERVER, *CLIENT, *PAGE, *OUTSIDE)
