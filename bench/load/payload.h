/* What the payload of one WebSocket message says of an execution's log; knows no socket and no viewer.
 *
 * SIMPLE    one event: {"execution_id":…,"workflow_id":…,"seq":17,"kind":…,"type":"log",…,"data":{…}}
 * RICH      headway.v1: control messages, and `ev` with one stored line an event; binary ones are raw deflate,
 *           behind the number of the dictionary that they are packed with
 * SOCKETIO  the same event as the argument of a Socket.IO event, inside Engine.IO's packets
 *
 * "tick <ns>" in an event is the moment it was due (CLOCK_REALTIME).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef enum { SIMPLE, RICH, SOCKETIO } Dialect;
typedef enum { NOTHING, FOLDED, EVENTS, POSITION, PING, OPENED, REFUSED } Meaning;
typedef struct {
    Meaning meaning;
    uint64_t after, upto;           /* the events after + 1 … upto; of a POSITION only `upto` */
    uint32_t tag_before, tag;       /* of the chain over the lines; only in RICH */
    uint64_t number;                /* of a ping */
    bool ends, broken;              /* the terminal event is among them; the lines contradict their header */
    int ticks;
    uint64_t *due;                  /* when each of `ticks` events was due; valid until the next call */
} Carried;

/* The text after `key` and optional blanks, or NULL; `within` bounds how far the search goes. */
static const char *after_key(const char *from, const char *end, size_t within, const char *key) {
    size_t length = strlen(key), room = (size_t)(end - from);
    const char *found = memmem(from, room < within ? room : within, key, length);
    if (!found) return NULL;
    for (found += length; found < end && *found == ' ';) found++;
    return found;
}

static uint64_t number_at(const char *text, const char *end) {
    uint64_t value = 0;
    while (text < end && *text >= '0' && *text <= '9') value = value * 10 + (uint64_t)(*text++ - '0');
    return value;
}

static uint64_t number_after(const char *from, const char *end, size_t within, const char *key) {
    const char *found = after_key(from, end, within, key);
    return found ? number_at(found, end) : 0;
}

/* ---- one event -------------------------------------------------------------------------------- */

static Carried read_event(const char *text, const char *end) {
    static uint64_t due[1];
    const char *seq = after_key(text, end, 240, "\"seq\":");
    if (!seq) return (Carried){.meaning = FOLDED};
    uint64_t number = number_at(seq, end);
    Carried carried = {.meaning = EVENTS, .after = number - 1, .upto = number, .due = due};
    const char *type = after_key(seq, end, 120, "\"type\":");
    carried.ends = type && type + 2 < end && (type[1] == 'c' || type[1] == 'e'); /* complete, error */
    const char *tick = carried.ends ? NULL : after_key(type ? type : seq, end, 400, "\"tick ");
    if (tick) due[carried.ticks++] = number_at(tick, end);
    return carried;
}

/* ---- Socket.IO -------------------------------------------------------------------------------- */

static Carried read_socketio(const char *text, const char *end) {
    if (text == end) return (Carried){.meaning = NOTHING};
    if (*text == '0') return (Carried){.meaning = OPENED};
    if (*text == '2') return (Carried){.meaning = PING};
    if (end - text > 2 && text[0] == '4' && text[1] == '2') return read_event(text, end);
    return (Carried){.meaning = text[0] == '4' && text[1] == '4' ? REFUSED : NOTHING};
}

/* ---- headway.v1 ------------------------------------------------------------------------------- */

/* The cursor epoch.seq.tag after `key`. */
static bool cursor_after(const char *from, const char *end, const char *key, uint64_t *seq, uint32_t *tag) {
    const char *cursor = after_key(from, end, (size_t)(end - from), key);
    const char *dot = cursor ? memchr(cursor, '.', (size_t)(end - cursor)) : NULL;
    const char *second = dot ? memchr(dot + 1, '.', (size_t)(end - dot - 1)) : NULL;
    if (!second || end - second < 9) return false;
    char digits[9] = {0};
    memcpy(digits, second + 1, 8);
    *seq = number_at(dot + 1, end);
    *tag = (uint32_t)strtoul(digits, NULL, 16);
    return true;
}

/* Every line must carry the seq that follows the one before it. */
static void read_lines(Carried *carried, const char *line, const char *end) {
    static uint64_t *due;
    static size_t room;
    uint64_t seq = carried->after;
    if (room < (size_t)(carried->upto - carried->after)) {
        room = (size_t)(carried->upto - carried->after) * 2;
        due = realloc(due, room * sizeof *due);
    }
    carried->due = due;
    for (const char *next; line < end && seq < carried->upto; line = next) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        next = newline ? newline + 1 : end;
        if (number_after(line, next, 16, "{\"seq\":") != ++seq) carried->broken = true;
        const char *tick = after_key(line, next, 400, "\"tick ");
        if (tick) due[carried->ticks++] = number_at(tick, next);
    }
    if (seq != carried->upto || line != end) carried->broken = true;
}

/* What the header of an `ev` says. */
static Carried read_head(const char *text, const char *head_end) {
    Carried carried = {.meaning = EVENTS};
    uint64_t seq;
    size_t head = (size_t)(head_end - text);
    carried.after = number_after(text, head_end, head, "\"after\":");
    carried.upto = number_after(text, head_end, head, "\"upto\":");
    carried.ends = after_key(text, head_end, head, "\"eos\":") != NULL;
    if (!cursor_after(text, head_end, "\"cur\":\"", &seq, &carried.tag) || seq != carried.upto) carried.broken = true;
    return carried;
}

static Carried read_ev(const char *text, const char *head_end, const char *end, uint32_t tag_before) {
    Carried carried = read_head(text, head_end);
    const char *lines = head_end < end ? head_end + 1 : end;
    carried.tag_before = tag_before;
    if (crc32(tag_before, (const Bytef *)lines, (uInt)(end - lines)) != carried.tag) carried.broken = true;
    read_lines(&carried, lines, end);
    return carried;
}

static const char EV[] = "{\"t\":\"ev\"";

static Carried read_message(const char *text, const char *end, uint32_t tag_before) {
    static const char position[] = "{\"t\":\"s", ping[] = "{\"t\":\"ping\"", refusal[] = "{\"t\":\"err\"";
    const char *newline = memchr(text, '\n', (size_t)(end - text)), *head_end = newline ? newline : end;
    Carried carried = {.meaning = NOTHING};
#define IS(start) ((size_t)(end - text) > sizeof start && !memcmp(text, start, sizeof start - 1))
    if (IS(EV)) return read_ev(text, head_end, end, tag_before);
    if (IS(ping)) carried = (Carried){.meaning = PING, .number = number_after(text, head_end, 60, "\"n\":")};
    if (IS(refusal)) carried.meaning = REFUSED;
    if (IS(position) && cursor_after(text, head_end, "\"cur\":\"", &carried.upto, &carried.tag)) /* sub_ok, snap */
        carried.meaning = POSITION;
#undef IS
    return carried;
}

/* Text that a stream goes on from; one for all viewers that were given the same. */
enum { DICTIONARY_BYTES = 4096, DICTIONARIES = 256 };
typedef struct { uint32_t number; uInt length; Bytef text[DICTIONARY_BYTES]; } Dictionary;
/* Those that one viewer was given, the newest last. */
typedef struct { const Dictionary **at; size_t count, room; } Known;

static const Dictionary *shared_dictionary(const Dictionary *given) {
    static Dictionary **all;
    static size_t count, room;
    for (size_t i = count; i-- > 0;)
        if (all[i]->number == given->number && all[i]->length == given->length && !memcmp(all[i]->text, given->text, given->length))
            return all[i];
    if (count == room) all = realloc(all, (room = 2 * room + 8) * sizeof *all);
    return all[count++] = memcpy(malloc(sizeof *given), given, sizeof *given);
}

/* It goes in place of any other of its number, and of the oldest where there are too many. */
static bool learn(Known *known, uint32_t number, const char *payload, size_t length) {
    static Dictionary given;
    given = (Dictionary){.number = number};
    z_stream stream = {.next_in = (Bytef *)payload, .avail_in = (uInt)length, .next_out = given.text, .avail_out = DICTIONARY_BYTES};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) abort();
    int outcome = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (outcome != Z_STREAM_END || !number) return false;
    given.length = (uInt)stream.total_out;
    size_t gone = 0;
    while (gone < known->count && known->at[gone]->number != number) gone++;
    if (gone == known->count) gone = known->count < DICTIONARIES ? known->count : 0;
    if (gone < known->count) memmove(known->at + gone, known->at + gone + 1, (--known->count - gone) * sizeof *known->at);
    if (known->count == known->room) known->at = realloc(known->at, (known->room = 2 * known->room + 2) * sizeof *known->at);
    known->at[known->count++] = shared_dictionary(&given);
    return true;
}

static const Dictionary *known_as(const Known *known, uint32_t number) {
    for (size_t i = known->count; i-- > 0;)
        if (known->at[i]->number == number) return known->at[i];
    return NULL;
}

/* The first `room` bytes of the text, or all of it: returns how many, and whether they are all. */
static size_t inflate_into(char *text, size_t room, const char *payload, size_t length, const Dictionary *dictionary, bool *whole) {
    static z_stream stream;
    if (!stream.state ? inflateInit2(&stream, -MAX_WBITS) : inflateReset(&stream)) abort();
    if (dictionary && inflateSetDictionary(&stream, dictionary->text, dictionary->length) != Z_OK) abort();
    stream.next_in = (Bytef *)payload, stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)text, stream.avail_out = (uInt)room;
    *whole = inflate(&stream, Z_SYNC_FLUSH) == Z_STREAM_END;
    return stream.total_out;
}

static Carried read_deflated(const char *payload, size_t length, const Dictionary *dictionary, uint32_t tag_before) {
    static char text[4 << 20];
    bool whole;
    size_t size = inflate_into(text, sizeof text, payload, length, dictionary, &whole);
    if (!whole) return (Carried){.meaning = EVENTS, .broken = true};
    return read_message(text, text + size, tag_before);
}

/* The same bytes go to every viewer, and mean the same to all who are at the same place: so each frame is
 * inflated, split and checked once, else the generator would be the limit. The chain is one-to-one in
 * `tag_before`: a viewer at another place is found out by that alone. */
static Carried read_shared(const char *payload, size_t length, bool deflated, const Dictionary *dictionary, uint32_t tag_before) {
    enum { KEPT = 16 };
    static struct { char *payload; size_t length, room; const Dictionary *dictionary; Carried carried; } kept[KEPT];
    static unsigned newest;
    for (unsigned back = 0; back < KEPT; back++) {
        unsigned at = (newest - back) % KEPT;
        if (kept[at].length == length && kept[at].dictionary == dictionary && !memcmp(kept[at].payload, payload, length)) {
            Carried known = kept[at].carried;
            if (known.tag_before != tag_before) known.broken = true;
            return known;
        }
    }
    Carried carried = deflated ? read_deflated(payload, length, dictionary, tag_before) : read_message(payload, payload + length, tag_before);
    if (carried.meaning != EVENTS || carried.broken) return carried;
    unsigned at = ++newest % KEPT;
    if (kept[at].room < length) kept[at].payload = realloc(kept[at].payload, kept[at].room = 2 * length);
    memcpy(kept[at].payload, payload, kept[at].length = length);
    uint64_t *due = realloc(kept[at].carried.due, sizeof *due * (size_t)(carried.ticks + 1));
    if (carried.ticks) memcpy(due, carried.due, sizeof *due * (size_t)carried.ticks);
    kept[at].dictionary = dictionary;
    kept[at].carried = carried;
    kept[at].carried.due = due;
    return kept[at].carried;
}

/* In front of a binary frame: the number of a dictionary, and whether the frame is that dictionary. */
enum { WORD = 4 };
static uint32_t number_of(const char *payload, bool *gives) {
    uint32_t word = 0;
    for (int i = 0; i < WORD; i++) word = word << 8 | (unsigned char)payload[i];
    *gives = word >> 31;
    return word & INT32_MAX;
}

static Carried read_binary(const char *payload, size_t length, Known *known, uint32_t tag_before) {
    const Carried unreadable = {.meaning = EVENTS, .broken = true};
    if (length < WORD) return unreadable;
    bool gives;
    uint32_t number = number_of(payload, &gives);
    payload += WORD, length -= WORD;
    if (gives) return learn(known, number, payload, length) ? (Carried){.meaning = NOTHING} : unreadable;
    const Dictionary *dictionary = number ? known_as(known, number) : NULL;
    return number && !dictionary ? unreadable : read_shared(payload, length, true, dictionary, tag_before);
}

/* An `ev` as it came, with what it takes to read it later. */
typedef struct { const char *text; size_t length; bool deflated; const Dictionary *dictionary; } Unread;

/* Only what the header of an `ev` says, for who reads the lines later; of all else, NOTHING. */
static Carried glance(const char *payload, size_t length, bool binary, const Known *known, Unread *unread) {
    const Carried nothing = {.meaning = NOTHING};
    char start[600];
    bool gives = false, whole;
    *unread = (Unread){payload, length, binary, NULL};
    if (binary) {
        uint32_t number = length < WORD ? 0 : number_of(payload, &gives);
        if (length < WORD || gives || (number && !(unread->dictionary = known_as(known, number)))) return nothing;
        unread->text += WORD, unread->length -= WORD;
        length = inflate_into(start, sizeof start, unread->text, unread->length, unread->dictionary, &whole);
        payload = start;
    }
    const char *newline = memchr(payload, '\n', length);
    if (!newline || length < sizeof EV || memcmp(payload, EV, sizeof EV - 1)) return nothing;
    return read_head(payload, newline);
}

/* `known`: what this viewer was given until now. */
static Carried read_payload(Dialect dialect, const char *payload, size_t length, bool binary, Known *known, uint32_t tag_before) {
    if (dialect == RICH && binary) return read_binary(payload, length, known, tag_before);
    if (dialect == RICH) return read_shared(payload, length, false, NULL, tag_before);
    return dialect == SIMPLE ? read_event(payload, payload + length) : read_socketio(payload, payload + length);
}
