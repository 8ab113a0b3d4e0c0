/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket: how `ebpf-route` and `ebpf-routed` talk.
 *
 * A stream socket, one request a connection, JSON one value a line (no line breaks inside):
 *
 *   -> {"command":"stats","args":{"match":"eth0"}}
 *   <- {"ok":true}                      or {"error":"one line for the user","exit":2} and the end
 *   <- {..}                             the rows, any number; single-object commands send one
 *   <- {"end":true}                     or {"end":true,"exit":3}: the exit code, 0 where absent
 *
 * A connection that ends before {"end":..} is a failure; so is an {"error":..} after the first rows. The rows are the objects of the JSON
 * output, as documented in docs/ebpf-route.8.md; text output is made from them by the command
 * alone.
 *
 * command   args                                             rows
 * status    -                                                one
 * stats     -                                                one {"interfaces":[..],"total":{..}}
 * route     "prefix": only this one, "protocol": "user",     one each
 *           "table": a number, 0: all, main where it is left
 *           out (all optional)
 * neigh     "dev" (optional)                                 one each
 * nexthop   -                                                one each
 * link      -                                                one each
 * get       "dst", and optional: "from", "iif", "mac", and   one
 *           the numbers "tos", "ipproto", "sport", "dport",
 *           "ttl", "size"; or "frame" (hex) and "iif"
 * settle    "timeout": seconds, a number (optional)          none; exit 3 where it ran out
 * verify    "samples": a number, "addresses": a list of      one each difference, then one
 *           strings, "repair": true (all optional)           {"kind":"summary",..}; exit 3 where
 *                                                            there are differences; first of all, with
 *                                                            "repair", {"kind":"repaired",..} each
 * user      "words": a list of strings: one change of user   one: how many were "added", "replaced",
 *           routes as daemon/user_text.h has it              "deleted", "unchanged", and "routes";
 *                                                            "hold" and "held" where a hold keeps
 *                                                            some from being in force
 * batch     "text": such lines, "name": what they are called the same
 *           in messages (optional)
 * flush     "words": a list of strings: a selector as in     the same
 *           daemon/user_select.h
 * save      "file": its name in routes.d, "force": true      one: "file": its path, "routes" in it,
 *           (both optional)                                  "differs", "first"
 */
#ifndef EBPF_ROUTE_CONTROL_H
#define EBPF_ROUTE_CONTROL_H

#define CONTROL_SOCKET_DIR  "/run/ebpf-route"
#define CONTROL_SOCKET	    CONTROL_SOCKET_DIR "/%s.sock" /* instance */
#define CONTROL_REQUEST_MAX (16 << 20)			  /* bytes of a request line */
#define INSTANCE_NAME_MAX   64
#define DEFAULT_INSTANCE    "default"

/* Exit codes of the command, and of the daemon's start. */
enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 1,
	EXIT_FAILED = 2,
	EXIT_DIFFERENT = 3, /* verify found differences; settle timed out */
};

#endif
