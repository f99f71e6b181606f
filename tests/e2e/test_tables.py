"""What has to be tested has a test: each capability of IMAP, and each of the
mistakes that servers for reading mail are known for."""
import os

import tables
from imapalone import Client, make_maildir

ALONE, PITFALLS = "e2e/test_imapd_alone.py::", "e2e/test_imapd_pitfalls.py::"
SEARCH, STORE = "e2e/test_imapd_search.py::", "e2e/test_imapd_store.py::"
POP3, POP3_FRONT = "e2e/test_pop3d_alone.py::", "e2e/test_pop3_front.py::"
FRONT, READERS = "e2e/test_imap_front.py::", "clients/test_readers.py::"

MISTAKES = {
    "keywords have no case, and keep the spelling that came first":
        [PITFALLS + "test_keywords_compare_without_case"],
    "the line end before a boundary is not the part's, nested or not":
        [PITFALLS + "test_line_end_before_a_boundary_is_the_boundarys"],
    "n:* past the end is the last message; 1:* of nothing is OK":
        [PITFALLS + "test_ranges_with_a_star"],
    "numbers of EXPUNGE and MOVE hold when they are sent":
        [PITFALLS + "test_each_expunge_is_right_when_it_is_sent"],
    "BODY[] sets \\Seen and PEEK does not; a partial tells its origin":
        [PITFALLS + "test_body_sees_and_peek_does_not",
         ALONE + "test_body_is_exact_and_partial"],
    "an unknown charset is BADCHARSET; what is encoded is found":
        [ALONE + "test_search_decodes"],
    "TRYCREATE where a mailbox is missing; copies keep all":
        [PITFALLS + "test_what_is_copied_stays_what_it_is"],
    "\\Recent is one session's":
        [ALONE + "test_recent_goes_to_one_session"],
    "IDLE tells at once":
        [ALONE + "test_idle_pushes_within_a_second"],
    "RENAME takes children; UIDVALIDITY is new when a name is made again":
        [ALONE + "test_rename_takes_children_and_validity_changes"],
    "the separator is told, and names are in modified UTF-7":
        [PITFALLS + "test_list_tells_the_separator_and_lsub_the_parents"],
    "octets and sizes are exact":
        [POP3 + "test_every_octet_and_size",
         ALONE + "test_append_gives_back_every_octet_and_date"],
    "POP3: UIDL is stable":
        [POP3 + "test_uidl_survives_flags_and_sessions"],
    "POP3: nothing goes without QUIT":
        [POP3 + "test_deletes_only_at_quit",
         POP3 + "test_end_of_input_deletes_nothing"],
    "POP3: dots are stuffed in TOP, and commands come in a row":
        [POP3 + "test_top", POP3 + "test_pipelining"],
    "POP3: after a wrong password the session goes on":
        [POP3_FRONT + "test_wrong_password_and_the_session_goes_on"],
    "no password is asked for in the clear":
        [FRONT + "test_nothing_secret_in_the_clear"],
    "the certificates of tests are a CA's and a leaf's, as NSS wants them":
        ["clients/test_thunderbird.py::test_thunderbird"],
    "a failed login is slow, for that client alone":
        ["e2e/test_auth.py::test_failures_are_slow_and_the_right_password_"
         "is_not"],
    "no EXPUNGE during FETCH, STORE and SEARCH by numbers":
        [PITFALLS + "test_no_expunge_in_the_middle"],
    "MODSEQs hold over restarts and others' changes":
        [STORE + "test_unchangedsince",
         STORE + "test_nothing_is_missed_when_caches_are_deleted"],
    "MOVE tells COPYUID before the EXPUNGEs":
        [PITFALLS + "test_move_tells_new_uids_before_old_ones_go"],
    "a literal that is refused is read away; it is small before login":
        [ALONE + "test_append_refused_is_read_away",
         FRONT + "test_no_literal_behind_a_line_that_fills_the_buffer"],
    "NIL is not the empty string; groups, lines and parameters are right":
        [PITFALLS + "test_nil_is_not_the_empty_string"],
    "LSUB with % tells parents; INBOX has no case":
        [PITFALLS + "test_list_tells_the_separator_and_lsub_the_parents"],
    "UTF8=ACCEPT changes names; BINARY has UNKNOWN-CTE":
        ["e2e/test_imapd_enable.py::test_names_in_utf8",
         "e2e/test_imapd_fetch.py::test_binary"],
    "what came in the clear behind STARTTLS or COMPRESS is thrown away":
        ["e2e/test_imapd_compress.py::test_clear_text_behind_the_command_"
         "is_dropped",
         POP3_FRONT + "test_octets_behind_stls_close_the_connection",
         FRONT + "test_clear_text_behind_starttls_is_no_command"],
    "patterns do not backtrack; ID and headers may be anything":
        [PITFALLS + "test_hostile_commands_take_no_time"],
    "threads of a hostile folder are no work of hours":
        [SEARCH + "test_threads_of_a_hostile_folder_take_no_time"],
    "nothing that is compressed fills the memory":
        ["e2e/test_imapd_compress.py::test_a_bomb_takes_no_memory"],
    "POP3: a bare CR beside dots":
        [POP3 + "test_every_octet_and_size"],
    "a webmail logs in all the time, and uses what is announced":
        [PITFALLS + "test_what_roundcube_asks_for",
         "clients/test_webmail.py::test_roundcube"],
    "IDLE, both ways, with the clients that people have":
        [READERS + "test_imaplib", READERS + "test_offlineimap_syncs_both_"
         "ways", "clients/test_node.py::test_imapflow"],
}


def test_each_mistake_has_its_test():
    assert list(tables.missing(
        name for names in MISTAKES.values() for name in names)) == []


def test_each_capability_has_its_test(tmp_path):
    client = Client(make_maildir(tmp_path / "Maildir"))
    told, = client.ok(b"CAPABILITY")
    client.stop()
    after = tables.capabilities(after_login=True)
    assert sorted(told.decode().split()[1:]) == sorted(after)
    rows = [*after.values(), *tables.capabilities(False).values()]
    assert list(tables.missing(test for _, _, test in rows)) == []
    for rfc, source, _ in rows:
        assert rfc.isdigit() or rfc == "none"
        assert os.path.exists(os.path.join(tables.REPOSITORY, source)), source
