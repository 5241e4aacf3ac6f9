/* wsload: one epoll thread that plays many WebSocket viewers of one execution, and checks them all.
 *
 * For every viewer the seqs must be first, first+1, … with none missing, repeated or swapped; in rich mode each
 * frame must also continue at the viewer's place and keep the chain of tags. Latency runs from the moment an
 * event was due (`payload.h`), so a producer or server that falls behind is charged for it. A viewer is done at
 * its terminal event; frames without a seq are counted apart. With --check-after, what comes is kept until the
 * last viewer is done, and all of it is checked then: a generator that inflates is slower than a server that
 * need not compress.
 *
 * Standard output carries two lines of JSON: {"ready": N} once every viewer is connected, and the result.
 * Exit: 0 the run ended by itself (read the result for what went wrong), 2 usage, 3 the server refused a viewer.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "held.h"
#include "histogram.h"
#include "payload.h"

enum { READ_BYTES = 1 << 20, MAX_SERVERS = 8, MAX_SLICES = 600, CONNECTING_AT_ONCE = 64 };
#define SECOND 1000000000ull
#define MILLISECOND 1000000ull

/* ---- options ---------------------------------------------------------------------------------- */

static struct {
    int port, viewers, stalled, receive_buffer, servers;
    uint64_t first;
    double stall_at, hold, limit, idle;
    const char *path, *execution, *cursor, *subprotocol;
    bool reconnect, check_after;
    Dialect dialect;
    pid_t pid[MAX_SERVERS];
} option = {.viewers = 100, .first = 1, .receive_buffer = 4096, .limit = 60, .path = "/ws/workflow/bench"};

static const char HELP[] =
    "wsload --port PORT [options]: many WebSocket viewers of one execution on 127.0.0.1\n\n"
    "  --port PORT        where the server listens\n"
    "  --path PATH        what the viewers open (default /ws/workflow/bench)\n"
    "  --dialect NAME     simple (default), rich (headway.v1), deflate (headway.v1.deflate) or socketio\n"
    "  --execution ID     what a rich viewer subscribes to, from --cursor EPOCH.SEQ.TAG on\n"
    "  --reconnect        a rich viewer that is let go comes back with its cursor, when it is told to\n"
    "  --check-after      a rich viewer acknowledges by the frames' headers alone; their lines are checked at the end\n"
    "  --viewers N        viewers that read everything (default 100)\n"
    "  --first SEQ        seq of the first event each of them must get (default 1)\n"
    "  --stalled K        viewers that connect and never read (default 0)\n"
    "  --stall-at S       they join S seconds after the first event (default 0: before it)\n"
    "  --receive-buffer B kernel receive buffer of a stalled viewer in bytes (default 4096)\n"
    "  --hold S           after the end wait up to S seconds for the server to drop stalled viewers (default 0)\n"
    "  --pid P[,P…]       processes whose CPU time and memory are reported\n"
    "  --idle S           no events are awaited: hold the connections for S seconds, then report\n"
    "  --limit S          end after S seconds whatever happens (default 60)\n";

static void usage(const char *problem) {
    fprintf(stderr, "wsload: %s; see wsload --help\n", problem);
    exit(2);
}

static Dialect dialect_named(const char *name) {
    if (!strcmp(name, "simple")) return SIMPLE;
    if (!strcmp(name, "socketio")) return SOCKETIO;
    option.subprotocol = strcmp(name, "deflate") ? "headway.v1" : "headway.v1.deflate";
    if (!strcmp(name, "rich") || !strcmp(name, "deflate")) return RICH;
    usage("--dialect is simple, rich, deflate or socketio");
    return SIMPLE;
}

static void read_options(int count, char **words) {
    static const struct option names[] = {
        {"port", 1, 0, 'p'},    {"path", 1, 0, 'u'},     {"viewers", 1, 0, 'n'},        {"first", 1, 0, 'f'},
        {"stalled", 1, 0, 'k'}, {"stall-at", 1, 0, 'a'}, {"receive-buffer", 1, 0, 'b'}, {"hold", 1, 0, 'o'},
        {"pid", 1, 0, 'c'},     {"idle", 1, 0, 'i'},     {"limit", 1, 0, 'l'},          {"help", 0, 0, 'h'},
        {"dialect", 1, 0, 'd'}, {"execution", 1, 0, 'x'}, {"cursor", 1, 0, 's'},        {"reconnect", 0, 0, 'r'},
        {"check-after", 0, 0, 'e'},
        {0, 0, 0, 0}};
    for (int name; (name = getopt_long(count, words, "", names, NULL)) != -1;) switch (name) {
        case 'd': option.dialect = dialect_named(optarg); break;
        case 'x': option.execution = optarg; break;
        case 's': option.cursor = optarg; break;
        case 'r': option.reconnect = true; break;
        case 'e': option.check_after = true; break;
        case 'p': option.port = atoi(optarg); break;
        case 'u': option.path = optarg; break;
        case 'n': option.viewers = atoi(optarg); break;
        case 'f': option.first = strtoull(optarg, NULL, 10); break;
        case 'k': option.stalled = atoi(optarg); break;
        case 'a': option.stall_at = atof(optarg); break;
        case 'b': option.receive_buffer = atoi(optarg); break;
        case 'o': option.hold = atof(optarg); break;
        case 'i': option.idle = atof(optarg); break;
        case 'l': option.limit = atof(optarg); break;
        case 'c':
            for (char *word = strtok(optarg, ","); word && option.servers < MAX_SERVERS; word = strtok(NULL, ","))
                option.pid[option.servers++] = atoi(word);
            break;
        case 'h': fputs(HELP, stdout); exit(0);
        default: usage("unknown option");
    }
    if (optind < count) usage("takes no arguments");
    if (option.port < 1 || option.port > 65535) usage("--port is needed");
    if (option.viewers < 0 || option.stalled < 0) usage("counts are not negative");
    if (strlen(option.path) > 400) usage("--path is too long");
    if (option.dialect == RICH && (!option.execution || strlen(option.execution) > 128 || !option.cursor))
        usage("a rich viewer needs --execution and --cursor");
    if (option.check_after && (option.dialect != RICH || option.reconnect))
        usage("--check-after is for rich viewers that stay");
}

/* ---- clocks ----------------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock) {
    struct timespec now;
    if (clock_gettime(clock, &now)) return 0;
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static uint64_t monotonic(void) { return clock_ns(CLOCK_MONOTONIC); }

/* ---- what is measured ------------------------------------------------------------------------- */

typedef enum { CONNECTING, HANDSHAKE, LIVE, DONE, LOST } Stage;
typedef struct {
    int fd;
    bool stalled;
    Stage stage;
    uint16_t port;           /* our end: names the server's end of it */
    uint64_t next_seq;       /* what must come next */
    uint32_t tag;            /* of the chain up to there */
    Known known;             /* dictionaries of this connection */
    uint64_t seen_seq, acked_seq, unacked_bytes;
    uint64_t live_at, gone_at, again_at, away_since, tick_at;
    char *rest;              /* start of a frame whose end has not arrived */
    size_t rest_bytes;
} Viewer;

/* Latencies are kept apart by what the stalled viewers were doing. */
typedef enum { BEFORE, JOINING, STALLED, AFTER, PHASES } Phase;
static const char *const PHASE_NAMES[PHASES] = {"before_stalled", "while_joining", "while_stalled", "after_stalled"};
static Histogram by_phase[PHASES], overall, *by_second[MAX_SLICES];
static Phase phase = BEFORE;
static double phase_at[PHASES]; /* Unix time */

static Viewer *viewers;
static char *buffer;
static int poll_fd, live, done, lost, refused_code, returns, returns_by_second[MAX_SLICES];
static uint64_t deliveries, events, folded, frames, bytes_in, reads, out_of_order, binary_frames, broken, longest_away;
static uint64_t first_event_at, last_event_at, started_at, ended_at;
static uint64_t read_at, read_at_real; /* when the bytes in hand were read: monotonic, and CLOCK_REALTIME */

/* ---- the processes under test ----------------------------------------------------------------- */

static struct {
    uint64_t cpu_start, cpu_end;
    long rss_start, rss_connected, rss_before_stalled, rss_peak, rss_peak_stalled, rss_end;
} server[MAX_SERVERS];

static uint64_t cpu_ns(pid_t pid) {
    clockid_t clock;
    return clock_getcpuclockid(pid, &clock) ? 0 : clock_ns(clock);
}

static long rss_kib(pid_t pid) {
    char name[64];
    long pages = 0;
    snprintf(name, sizeof name, "/proc/%d/statm", pid);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    if (fscanf(file, "%*s %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void sample_servers(void) {
    for (int i = 0; i < option.servers; i++) {
        long rss = rss_kib(option.pid[i]);
        if (rss > server[i].rss_peak) server[i].rss_peak = rss;
        if (phase == STALLED && rss > server[i].rss_peak_stalled) server[i].rss_peak_stalled = rss;
        if (phase == BEFORE) server[i].rss_before_stalled = rss;
        server[i].rss_end = rss;
    }
}

/* ---- WebSocket -------------------------------------------------------------------------------- */

static void watch(Viewer *viewer, uint32_t what, int how) {
    struct epoll_event interest = {.events = what, .data.ptr = viewer};
    epoll_ctl(poll_fd, how, viewer->fd, &interest);
}

/* `again_ms`: when a viewer that may come back was told to do so. */
static void leave_for(Viewer *viewer, Stage stage, uint64_t again_ms) {
    bool returns_later = option.reconnect && stage == LOST && !viewer->stalled && viewer->stage != DONE;
    if (viewer->stage == LIVE) live--;
    if (returns_later) {
        if (!viewer->away_since) viewer->away_since = monotonic();
        viewer->again_at = monotonic() + (again_ms / 2 + (uint64_t)rand() % (again_ms / 2 + 1)) * MILLISECOND;
        free(viewer->rest);
        viewer->rest = NULL;
        viewer->rest_bytes = 0;
    } else if (stage == LOST && !viewer->stalled) {
        lost++;
    }
    viewer->stage = stage;
    if (viewer->stalled && !viewer->gone_at) viewer->gone_at = monotonic();
    close(viewer->fd);
    viewer->fd = -1;
}

enum { AGAIN_MS = 500 };
static void leave(Viewer *viewer, Stage stage) { leave_for(viewer, stage, AGAIN_MS); }

static void connect_viewer(Viewer *viewer) {
    int on = 1;
    viewer->stage = CONNECTING;
    viewer->known.count = 0;
    viewer->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (viewer->fd < 0) { perror("wsload: socket"); exit(3); }
    setsockopt(viewer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (viewer->stalled) setsockopt(viewer->fd, SOL_SOCKET, SO_RCVBUF, &option.receive_buffer, sizeof(int));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)option.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(viewer->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS) {
        perror("wsload: connect");
        exit(3);
    }
    watch(viewer, EPOLLIN | EPOLLOUT, EPOLL_CTL_ADD);
}

static void open_viewer(Viewer *viewer, bool stalled) {
    *viewer = (Viewer){.stalled = stalled, .next_seq = option.first};
    uint64_t seq;
    if (option.cursor && cursor_after(option.cursor, option.cursor + strlen(option.cursor) + 1, "", &seq, &viewer->tag)) {
        viewer->next_seq = seq + 1;
        viewer->seen_seq = viewer->acked_seq = seq;
    }
    connect_viewer(viewer);
}

static void return_those_due(void) {
    uint64_t now = monotonic();
    for (int i = 0; i < option.viewers; i++) {
        if (!viewers[i].again_at || viewers[i].again_at > now) continue;
        viewers[i].again_at = 0;
        connect_viewer(&viewers[i]);
    }
}

/* A client's frame, masked by zero. */
static void say(Viewer *viewer, unsigned char kind, const char *payload, size_t length) {
    unsigned char frame[8 + 600] = {kind, 0x80};
    size_t header = length < 126 ? 6 : 8;
    if (length > 600) return;
    frame[1] |= (unsigned char)(length < 126 ? length : 126);
    if (header == 8) { frame[2] = (unsigned char)(length >> 8); frame[3] = (unsigned char)length; }
    memcpy(frame + header, payload, length);
    if (send(viewer->fd, frame, header + length, MSG_NOSIGNAL) < 0 && errno != EAGAIN) leave(viewer, LOST);
}

#define SAY(viewer, ...) do { \
        char text[600]; \
        int length = snprintf(text, sizeof text, __VA_ARGS__); \
        if (length > 0 && length < (int)sizeof text) say(viewer, 0x81, text, (size_t)length); \
    } while (0)

static void subscribe(Viewer *viewer) {
    SAY(viewer, "{\"t\":\"hello\",\"client\":\"wsload\"}");
    SAY(viewer, "{\"t\":\"sub\",\"x\":\"%s\",\"cur\":\"%.*s.%lu.%08x\"}", option.execution,
        (int)strcspn(option.cursor, "."), option.cursor, viewer->next_seq - 1, viewer->tag);
}

static void ask_upgrade(Viewer *viewer) {
    char request[700], offer[80] = "";
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    if (option.subprotocol) snprintf(offer, sizeof offer, "Sec-WebSocket-Protocol: %s\r\n", option.subprotocol);
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                          option.path, option.port, offer);
    if (getsockname(viewer->fd, (struct sockaddr *)&own, &size) == 0) viewer->port = ntohs(own.sin_port);
    if (send(viewer->fd, request, (size_t)length, MSG_NOSIGNAL) != length) { leave(viewer, LOST); return; }
    viewer->stage = HANDSHAKE;
    watch(viewer, EPOLLIN, EPOLL_CTL_MOD);
}

static void go_live(Viewer *viewer) {
    viewer->stage = LIVE;
    viewer->live_at = monotonic();
    live++;
    if (viewer->away_since) {
        uint64_t away = viewer->live_at - viewer->away_since, second = (viewer->live_at - started_at) / SECOND;
        if (away > longest_away) longest_away = away;
        if (second < MAX_SLICES) returns_by_second[second]++;
        returns++;
        viewer->away_since = 0;
    }
    if (option.dialect == RICH) subscribe(viewer);
    if (viewer->fd < 0) return;
    /* A stalled viewer is asked about no data from here on; only its end is still reported. */
    if (viewer->stalled) watch(viewer, EPOLLRDHUP, EPOLL_CTL_MOD);
}

static void measure(uint64_t due) {
    uint64_t latency = read_at_real > due ? read_at_real - due : 0;
    if (!first_event_at) first_event_at = read_at;
    last_event_at = read_at;
    deliveries++;
    record(&by_phase[phase], latency);
    record(&overall, latency);
    uint64_t second = (read_at - first_event_at) / SECOND;
    if (second >= MAX_SLICES) return;
    if (!by_second[second]) by_second[second] = calloc(1, sizeof(Histogram));
    record(by_second[second], latency);
}

/* The server lets a viewer have so much and no more until it hears from it. */
enum { ACK_EVENTS = 2048, ACK_BYTES = 512 << 10 };

/* Each second of its own, as the clock of a client does; not of all viewers at once. */
static bool ticks(Viewer *viewer) {
    if (read_at < viewer->tick_at) return false;
    bool is_begun = viewer->tick_at > 0;
    uint64_t second = 1000 * MILLISECOND;
    viewer->tick_at = read_at + second - (read_at - viewer->live_at) % second;
    return is_begun;
}

/* As the clients of the protocol do: at half a window, and each second. */
static void acknowledge(Viewer *viewer, size_t bytes) {
    viewer->unacked_bytes += bytes;
    bool is_half = viewer->seen_seq - viewer->acked_seq >= ACK_EVENTS || viewer->unacked_bytes >= ACK_BYTES;
    if (!ticks(viewer) && !is_half) return;
    viewer->acked_seq = viewer->seen_seq;
    viewer->unacked_bytes = 0;
    SAY(viewer, "{\"t\":\"ack\",\"x\":\"%s\",\"seq\":%lu}", option.execution, viewer->acked_seq);
}

static void check_events(Viewer *viewer, const Carried *carried) {
    if (carried->after + 1 != viewer->next_seq) out_of_order++;
    if (carried->broken) broken++;
    events += carried->upto - carried->after;
    viewer->next_seq = carried->upto + 1;
    viewer->tag = carried->tag;
    for (int i = 0; i < carried->ticks; i++) measure(carried->due[i]);
}

static void go_on(Viewer *viewer, const Carried *carried, size_t bytes) {
    viewer->seen_seq = carried->upto;
    if (carried->ends && viewer->stage == LIVE) {
        viewer->stage = DONE;
        live--;
        done++;
        ended_at = read_at;
    }
    if (option.dialect == RICH) acknowledge(viewer, bytes);
}

/* Frames whose lines are still to be checked, in the order in which they came. */
typedef struct { Viewer *viewer; uint64_t read_at, read_at_real; Unread frame; } Kept; /* its text stands behind it */
static char *kept;
static size_t kept_bytes, kept_room;

static void keep(Viewer *viewer, const Unread *frame) {
    Kept head = {viewer, read_at, read_at_real, *frame};
    size_t needed = kept_bytes + sizeof head + frame->length;
    if (kept_room < needed && !(kept = realloc(kept, kept_room = 2 * needed))) abort();
    memcpy(kept + kept_bytes, &head, sizeof head);
    memcpy(kept + kept_bytes + sizeof head, frame->text, frame->length);
    kept_bytes = needed;
}

static void check_kept(void) {
    Kept head;
    for (size_t at = 0; at < kept_bytes; at += sizeof head + head.frame.length) {
        memcpy(&head, kept + at, sizeof head);
        Carried carried = read_shared(kept + at + sizeof head, head.frame.length, head.frame.deflated,
                                      head.frame.dictionary, head.viewer->tag);
        read_at = head.read_at;
        read_at_real = head.read_at_real;
        check_events(head.viewer, &carried);
    }
}

static void take_payload(Viewer *viewer, const char *payload, size_t length, bool binary) {
    frames++;
    if (binary) binary_frames++;
    if (option.check_after) {
        Unread frame;
        Carried said = glance(payload, length, binary, &viewer->known, &frame);
        if (said.meaning == EVENTS) {
            keep(viewer, &frame);
            go_on(viewer, &said, length);
            return;
        }
    }
    Carried carried = read_payload(option.dialect, payload, length, binary, &viewer->known, viewer->tag);
    switch (carried.meaning) {
        case EVENTS:
            check_events(viewer, &carried);
            go_on(viewer, &carried, length);
            break;
        case FOLDED: folded++; break;
        case POSITION: /* of a viewer that resumes it is its own */
            if (carried.upto + 1 != viewer->next_seq || carried.tag != viewer->tag) broken++;
            break;
        case PING:
            if (option.dialect == RICH) SAY(viewer, "{\"t\":\"pong\",\"n\":%lu}", carried.number);
            else say(viewer, 0x81, "3", 1);
            break;
        case OPENED: say(viewer, 0x81, "40", 2); break;
        case REFUSED: leave(viewer, LOST); break;
        case NOTHING: break;
    }
}

/* How long the server asks a viewer that it lets go to stay away. */
static uint64_t return_after_ms(const char *reason, size_t length) {
    uint64_t ms = number_after(reason, reason + length, length, "\"retry\":");
    return ms ? ms : AGAIN_MS;
}

/* Take the whole frames in [at, end); returns where the first incomplete one starts. */
static char *take_frames(Viewer *viewer, char *at, char *end) {
    while (end - at >= 2 && viewer->fd >= 0) {
        const unsigned char *head = (unsigned char *)at;
        uint64_t length = head[1] & 127;
        size_t header = length == 126 ? 4 : length == 127 ? 10 : 2;
        if ((size_t)(end - at) < header) break;
        if (header > 2)
            for (size_t i = length = 0; i < header - 2; i++) length = length << 8 | head[2 + i];
        if ((uint64_t)(end - at) < header + length) break;
        char *payload = at + header;
        switch (head[0] & 15) {
            case 1: case 2: take_payload(viewer, payload, length, (head[0] & 15) == 2); break;
            case 8:
                refused_code = length >= 2 ? (unsigned char)payload[0] << 8 | (unsigned char)payload[1] : 1005;
                leave_for(viewer, LOST, return_after_ms(payload, length));
                break;
            case 9: say(viewer, 0x8a, payload, length); break;
        }
        at += header + length;
    }
    return at;
}

static char *take_handshake(Viewer *viewer, char *at, char *end) {
    char *blank = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
    if (!blank) return NULL;
    if (end - at < 12 || memcmp(at, "HTTP/1.1 101", 12)) {
        if (viewer->away_since) { leave(viewer, LOST); return NULL; } /* draining: another answers soon */
        fprintf(stderr, "wsload: refused: %.*s\n", (int)(end - at < 600 ? end - at : 600), at);
        exit(3);
    }
    go_live(viewer);
    return blank + 4;
}

static void keep_rest(Viewer *viewer, const char *at, const char *end) {
    viewer->rest_bytes = (size_t)(end - at);
    free(viewer->rest);
    viewer->rest = viewer->rest_bytes ? memcpy(malloc(viewer->rest_bytes), at, viewer->rest_bytes) : NULL;
}

static void readable(Viewer *viewer) {
    size_t kept = viewer->rest_bytes;
    if (kept) memcpy(buffer, viewer->rest, kept);
    ssize_t got = recv(viewer->fd, buffer + kept, READ_BYTES - kept, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) { leave(viewer, viewer->stage == DONE ? DONE : LOST); return; }
    reads++;
    bytes_in += (uint64_t)got;
    read_at = monotonic();
    read_at_real = clock_ns(CLOCK_REALTIME);
    char *at = buffer, *end = buffer + kept + got;
    if (viewer->stage == HANDSHAKE) {
        char *body = take_handshake(viewer, at, end);
        if (viewer->fd < 0) return;
        if (!body) { keep_rest(viewer, at, end); return; }
        at = body;
    }
    if (!viewer->stalled) at = take_frames(viewer, at, end);
    if (viewer->fd >= 0) keep_rest(viewer, viewer->stalled ? end : at, end);
}

static void handle(Viewer *viewer, uint32_t what) {
    if (viewer->fd < 0) return;
    if (viewer->stage == CONNECTING) {
        if (what & (EPOLLERR | EPOLLHUP) && viewer->away_since) { leave(viewer, LOST); return; }
        if (what & (EPOLLERR | EPOLLHUP)) { fprintf(stderr, "wsload: connection refused\n"); exit(3); }
        ask_upgrade(viewer);
    } else if (viewer->stalled && viewer->stage == LIVE) {
        if (what & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) leave(viewer, LOST);
    } else {
        readable(viewer);
    }
}

static void turn(int wait_ms) {
    struct epoll_event ready[256];
    int count = epoll_wait(poll_fd, ready, 256, wait_ms);
    for (int i = 0; i < count; i++) handle(ready[i].data.ptr, ready[i].events);
}

/* ---- stalled viewers -------------------------------------------------------------------------- */

enum { BEATS = 10 }; /* in a second; in each, a tenth of the stalled viewers are looked at */

static void look_at_stalled(int beat) {
    for (int i = option.viewers + beat % BEATS; i < option.viewers + option.stalled; i += BEATS) {
        Viewer *viewer = &viewers[i];
        if (viewer->live_at && !viewer->gone_at && !is_held((uint16_t)option.port, viewer->port)) leave(viewer, LOST);
    }
}

static bool any_stalled(void) {
    for (int i = option.viewers; i < option.viewers + option.stalled; i++)
        if (viewers[i].live_at && !viewers[i].gone_at) return true;
    return false;
}

static void open_viewers(int from, int upto, uint64_t until) {
    for (int opened = from, connected = 0; connected < upto - from;) {
        connected = 0;
        for (int i = from; i < opened; i++) connected += viewers[i].live_at > 0;
        while (opened < upto && opened - from - connected < CONNECTING_AT_ONCE)
            open_viewer(&viewers[opened++], from >= option.viewers);
        turn(10);
        if (monotonic() > until) { fprintf(stderr, "wsload: only %d connected in time\n", connected); exit(3); }
    }
}

static void enter(Phase next) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    phase_at[next] = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    phase = next;
}

/* Moves the phases on; called at each beat. */
static void tend_stalled(int beat, uint64_t until) {
    if (!option.stalled || phase == AFTER) return;
    if (!option.viewers && phase != STALLED) enter(STALLED);
    if (phase == BEFORE && first_event_at && monotonic() >= first_event_at + (uint64_t)(option.stall_at * 1e9)) {
        sample_servers();
        enter(JOINING);
        if (option.stall_at > 0) open_viewers(option.viewers, option.viewers + option.stalled, until);
        enter(STALLED);
    }
    if (phase != STALLED) return;
    look_at_stalled(beat);
    if (!any_stalled()) enter(AFTER);
}

/* ---- the run ---------------------------------------------------------------------------------- */

static void run(uint64_t until) {
    uint64_t next_sample = 0, end_at = 0, idle_until = monotonic() + (uint64_t)(option.idle * 1e9);
    int beat = 0;
    for (uint64_t now; (now = monotonic()) < until;) {
        turn(20);
        if (option.reconnect) return_those_due();
        if (now >= next_sample) {
            next_sample = now + 100 * MILLISECOND;
            sample_servers();
            tend_stalled(beat++, until);
        }
        if (option.idle > 0 && now >= idle_until) return;
        bool all_ended = option.viewers > 0 && done + lost >= option.viewers;
        if (all_ended && !end_at) {
            end_at = now;
            for (int i = 0; i < option.servers; i++) server[i].cpu_end = cpu_ns(option.pid[i]);
        }
        bool waits = option.stalled && phase != AFTER && now < end_at + (uint64_t)(option.hold * 1e9);
        if (end_at && !waits) return;
        if (!option.viewers && phase == AFTER) return;
    }
}

static void print_latency(const char *name, const Histogram *of) {
    printf(", \"%s\": {\"count\": %lu, \"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}", name,
           of->total, quantile_ms(of, .5), quantile_ms(of, .9), quantile_ms(of, .99), (double)of->max / 1e6);
}

static void print_stalled(void) {
    double soonest = 1e9, latest = 0;
    int gone = 0;
    for (int i = option.viewers; i < option.viewers + option.stalled; i++) {
        if (!viewers[i].gone_at) continue;
        double after = (double)(viewers[i].gone_at - viewers[i].live_at) / 1e9;
        if (after < soonest) soonest = after;
        if (after > latest) latest = after;
        gone++;
    }
    printf(", \"stalled\": %d, \"stalled_gone\": %d, \"gone_first_s\": %.1f, \"gone_last_s\": %.1f", option.stalled,
           gone, gone ? soonest : 0, latest);
    printf(", \"phase_at\": {");
    for (int i = 0; i < PHASES; i++) printf("%s\"%s\": %.3f", i ? ", " : "", PHASE_NAMES[i], phase_at[i]);
    printf("}");
}

static void print_returns(void) {
    int most = 0;
    for (int i = 0; i < MAX_SLICES; i++)
        if (returns_by_second[i] > most) most = returns_by_second[i];
    printf(", \"returns\": %d, \"most_returns_per_s\": %d, \"longest_away_s\": %.3f", returns, most,
           (double)longest_away / 1e9);
}

static void print_by_second(const char *name, double share) {
    printf(", \"%s\": [", name);
    for (int i = 0, printed = 0; i < MAX_SLICES; i++)
        if (by_second[i]) printf("%s%.3f", printed++ ? ", " : "", quantile_ms(by_second[i], share));
    printf("]");
}

static void print_result(double connect_s, double whole_s, double own_cpu) {
    double wall = (double)(last_event_at - first_event_at) / 1e9;
    printf("{\"viewers\": %d, \"done\": %d, \"lost\": %d, \"close_code\": %d, \"out_of_order\": %lu, \"broken\": %lu, \"events\": %lu, "
           "\"folded\": %lu, \"binary\": %lu, \"frames\": %lu, \"reads\": %lu, \"bytes\": %lu, \"connect_s\": %.3f, "
           "\"wall_s\": %.3f, \"whole_s\": %.3f, \"deliveries\": %lu, \"deliveries_per_s\": %.0f, \"generator_cpu\": %.3f",
           option.viewers, done, lost, refused_code, out_of_order, broken, events, folded, binary_frames, frames, reads,
           bytes_in, connect_s, wall, whole_s, deliveries, wall > 0 ? (double)deliveries / wall : 0, own_cpu);
    print_latency("latency", &overall);
    if (option.stalled) {
        for (int i = 0; i < PHASES; i++) print_latency(PHASE_NAMES[i], &by_phase[i]);
        print_stalled();
    }
    if (option.reconnect) print_returns();
    print_by_second("p50_by_second_ms", .5);
    print_by_second("p99_by_second_ms", .99);
    printf(", \"servers\": [");
    for (int i = 0; i < option.servers; i++) {
        double cpu = (double)(server[i].cpu_end - server[i].cpu_start) / 1e9;
        printf("%s{\"pid\": %d, \"cpu_s\": %.3f, \"rss_start_kib\": %ld, \"rss_connected_kib\": %ld, \"rss_peak_kib\": %ld, "
               "\"rss_before_stalled_kib\": %ld, \"rss_peak_stalled_kib\": %ld, \"rss_end_kib\": %ld}",
               i ? ", " : "", option.pid[i], cpu, server[i].rss_start, server[i].rss_connected, server[i].rss_peak,
               server[i].rss_before_stalled, server[i].rss_peak_stalled, server[i].rss_end);
    }
    printf("]}\n");
}

static double own_cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

int main(int count, char **words) {
    read_options(count, words);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    viewers = calloc((size_t)(option.viewers + option.stalled) + 1, sizeof *viewers);
    buffer = malloc(READ_BYTES);
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!viewers || !buffer || poll_fd < 0) { perror("wsload"); return 3; }

    started_at = monotonic();
    uint64_t until = started_at + (uint64_t)(option.limit * 1e9);
    for (int i = 0; i < option.servers; i++) server[i].rss_start = rss_kib(option.pid[i]);
    open_viewers(0, option.viewers, until);
    if (option.stalled && option.stall_at <= 0)
        open_viewers(option.viewers, option.viewers + option.stalled, until);
    double connect_s = (double)(monotonic() - started_at) / 1e9;
    turn(50);
    for (int i = 0; i < option.servers; i++) {
        server[i].rss_connected = rss_kib(option.pid[i]);
        server[i].cpu_start = server[i].cpu_end = cpu_ns(option.pid[i]);
    }
    printf("{\"ready\": %d}\n", live);
    fflush(stdout);

    double cpu_before = own_cpu_s();
    uint64_t ready_at = monotonic();
    run(until);
    double elapsed = (double)(monotonic() - ready_at) / 1e9, own_cpu = own_cpu_s() - cpu_before;
    check_kept();
    for (int i = 0; i < option.servers; i++) /* where the limit or the idle time came before the last viewer's end */
        if (server[i].cpu_end == server[i].cpu_start) server[i].cpu_end = cpu_ns(option.pid[i]);
    print_result(connect_s, (double)(ended_at - started_at) / 1e9, elapsed > 0 ? own_cpu / elapsed : 0);
    return 0;
}
