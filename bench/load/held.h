/* Whether the server still holds its end of a connection: asked of the kernel, one socket at a time.
 *
 * A server that closes a socket whose peer does not read leaves no sign at the peer: its FIN waits behind the
 * unread bytes. Reading /proc/net/tcp would tell, but walks a table for tens of milliseconds, in which every
 * event that arrives would be charged with the wait.
 */
#pragma once
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ESTABLISHED = 1 };

/* The socket from `port` to `peer_port`, both on 127.0.0.1, is there and not closing. */
static bool is_held(uint16_t port, uint16_t peer_port) {
    static int kernel = -1;
    if (kernel < 0) kernel = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    struct { struct nlmsghdr head; struct inet_diag_req_v2 body; } question = {
        .head = {.nlmsg_len = sizeof question, .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0u},
    };
    struct inet_diag_sockid *id = &question.body.id;
    id->idiag_sport = htons(port);
    id->idiag_dport = htons(peer_port);
    id->idiag_src[0] = id->idiag_dst[0] = htonl(INADDR_LOOPBACK);
    id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    union { struct nlmsghdr head; char bytes[4096]; } answer;
    if (kernel < 0 || send(kernel, &question, sizeof question, 0) < 0 || recv(kernel, &answer, sizeof answer, 0) < 0) {
        perror("wsload: sock_diag");
        exit(3);
    }
    if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return false; /* no such socket */
    struct inet_diag_msg state;
    memcpy(&state, NLMSG_DATA(&answer.head), sizeof state);
    return state.idiag_state == ESTABLISHED;
}
