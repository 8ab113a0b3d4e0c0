// SPDX-License-Identifier: GPL-2.0-only
/* Ports: what the programs know of each device, and devices that have none or should not. */
#include "verify_internal.h"

struct port_look {
	bool wanted;
	uint64_t number; /* 0: none */
	struct port should, is;
	uint32_t tx_ifindex;
};

static bool look_at_port(const struct verify *v, const struct mirror *mirror, uint32_t ifindex,
			 struct port_look *ret)
{
	const struct mirror_link *link = mirror_link(mirror, ifindex);

	memset(ret, 0, sizeof(*ret));
	ret->wanted = link && resolve_port(mirror, link, &ret->should);
	ret->number = datapath_port_of_ifindex(v->dp, ifindex);
	if (ret->number && ret->number < datapath_port_limit(v->dp)) {
		ret->is = datapath_port(v->dp, ret->number);
		ret->tx_ifindex = datapath_tx_ifindex(v->dp, ret->number);
	}
	if (!ret->wanted || !ret->number)
		return ret->wanted != !!ret->number;
	return ret->should.ifindex != ret->is.ifindex || ret->should.mtu != ret->is.mtu ||
	       ret->should.flags != ret->is.flags || ret->tx_ifindex != ifindex ||
	       memcmp(ret->should.mac, ret->is.mac, sizeof(ret->is.mac)) != 0;
}

/* More links than ports: each number is taken. */
static bool ports_are_full(const struct verify *v)
{
	for (uint32_t number = 1; number < datapath_port_limit(v->dp); number++)
		if (!datapath_port(v->dp, number).ifindex)
			return false;
	return true;
}

static bool port_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct port_look at;
	bool differs = look_at_port(v, v->mirror, s->ifindex, &at);

	*ret_signature = signature_of(table_hash(&at.should, sizeof(at.should)),
				      table_hash(&at.is, sizeof(at.is)) + at.tx_ifindex);
	return differs && (at.number || !ports_are_full(v));
}

static const char *flags_format(uint16_t flags, char buf[160])
{
	static const char *const names[16] = {
		"up",	       "forwarding",   "rp_filter",  "send_redirects",
		"xmit_native", "xmit_generic", "in_generic", "rp_loose",
		"has_address", "accept_local", "has_macs",   "in_tc",
	};
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < 16; i++)
		if (flags >> i & 1)
			len += snprintf(buf + len, 160 - len, "%s%s", len ? "," : "",
					names[i] ? names[i] : "unknown");
	return buf;
}

/* Only what differs. */
static void put_port(json_t *row, const char *key, const struct port *port,
		     const struct port *other)
{
	char text[256] = "", mac[MAC_LEN], flags[160];
	size_t len = 0;

	if (port->ifindex != other->ifindex)
		len += snprintf(text + len, sizeof(text) - len, " ifindex %u", port->ifindex);
	if (memcmp(port->mac, other->mac, sizeof(port->mac)) != 0)
		len += snprintf(text + len, sizeof(text) - len, " address %s",
				mac_format(port->mac, mac));
	if (port->mtu != other->mtu)
		len += snprintf(text + len, sizeof(text) - len, " mtu %u", port->mtu);
	if (port->flags != other->flags)
		snprintf(text + len, sizeof(text) - len, " flags %s",
			 flags_format(port->flags, flags));
	put_text(row, key, "%s", text[0] ? text + 1 : "the same");
}

static void port_describe(struct verify *v, const struct subject *s, json_t *row)
{
	struct port_look at, mirrored;
	char device[IFNAMSIZ];
	bool same;

	look_at_port(v, v->mirror, s->ifindex, &at);
	look_at_port(v, v->d->mirror, s->ifindex, &mirrored);
	same = mirrored.wanted == at.wanted &&
	       memcmp(&mirrored.should, &at.should, sizeof(at.should)) == 0;
	put_text(row, "dev", "%s", device_format(v->mirror, s->ifindex, device));
	if (at.wanted && at.number) {
		put_port(row, "kernel", &at.should, &at.is);
		if (at.tx_ifindex != s->ifindex)
			put_text(row, "fastpath", "no device to transmit by, or another one");
		else
			put_port(row, "fastpath", &at.is, &at.should);
	} else {
		put_text(row, "kernel", at.wanted ? "can be a port" : "cannot be a port");
		put_text(row, "fastpath", at.number ? "is a port" : "is none");
	}
	put_text(row, "cause", "%s",
		 same ? "the daemon's mirror is right: the map is not as it wrote it"
		      : "the daemon's mirror differs from the kernel too");
}

const struct subject_type verify_port_type = {
	.name = "port",
	.differs = port_differs,
	.describe = port_describe,
};

/* A number whose device has another one, or none. */
static bool row_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	struct port is = datapath_port(v->dp, s->first);

	*ret_signature = is.ifindex;
	return is.ifindex && datapath_port_of_ifindex(v->dp, is.ifindex) != s->first;
}

static void row_describe(struct verify *v, const struct subject *s, json_t *row)
{
	struct port is = datapath_port(v->dp, s->first);

	(void)v;
	json_object_set_new(row, "port", json_integer(s->first));
	put_text(row, "kernel", "no such device");
	put_text(row, "fastpath", "ifindex %u", is.ifindex);
	put_text(row, "cause", "left over");
}

const struct subject_type verify_port_row_type = {
	.name = "port",
	.differs = row_differs,
	.describe = row_describe,
};

int verify_ports(struct verify *v)
{
	struct subject s = { .kind = SUBJECT_PORT };
	const struct mirror_link *link;
	int err = 0;

	for (link = mirror_next_link(v->mirror, 0); link && !err;
	     link = mirror_next_link(v->mirror, link->e.ifindex)) {
		struct port port;

		s.ifindex = link->e.ifindex;
		v->counts.ports += resolve_port(v->mirror, link, &port);
		err = verify_note(v, &s);
	}
	for (s.ifindex = 1; s.ifindex < IFINDEX_LIMIT && !err; s.ifindex++)
		if (datapath_port_of_ifindex(v->dp, s.ifindex) &&
		    !mirror_link(v->mirror, s.ifindex))
			err = verify_note(v, &s);
	s = (struct subject){ .kind = SUBJECT_PORT_ROW };
	for (s.first = 1; s.first < datapath_port_limit(v->dp) && !err; s.first++)
		err = verify_note(v, &s);
	return err;
}

/* ---- MAC addresses of devices above ---------------------------------------------------- */

static union ingress_mac mac_of(const struct subject *s)
{
	union ingress_mac key = { .word = 0 };

	memcpy(key.mac, &s->first, 4);
	memcpy(key.mac + 4, &s->last, 2);
	return key;
}

/* The device that takes frames for this address from that one; 0: none, or more than one. */
static uint32_t wanted_upper(const struct mirror *mirror, const struct subject *s)
{
	const struct mirror_link *lower = mirror_link(mirror, s->ifindex), *upper = NULL;
	union ingress_mac key = mac_of(s);
	uint32_t found = 0;

	while (lower && resolve_can_be_port(lower) &&
	       (upper = resolve_next_upper(mirror, lower, upper))) {
		if (memcmp(upper->e.mac, key.mac, sizeof(key.mac)) != 0)
			continue;
		if (found)
			return 0;
		found = upper->e.ifindex;
	}
	return found;
}

static uint32_t upper_in_map(const struct verify *v, const struct subject *s)
{
	union ingress_mac key = mac_of(s);
	uint16_t port;

	key.port = datapath_port_of_ifindex(v->dp, s->ifindex);
	port = datapath_ingress_mac(v->dp, key);
	return port ? datapath_port(v->dp, port).ifindex : 0;
}

static bool ingress_mac_differs(struct verify *v, const struct subject *s, uint32_t *ret_signature)
{
	uint32_t should = wanted_upper(v->mirror, s), is = upper_in_map(v, s);

	*ret_signature = signature_of(should, is);
	return should != is;
}

static void ingress_mac_describe(struct verify *v, const struct subject *s, json_t *row)
{
	uint32_t should = wanted_upper(v->mirror, s), is = upper_in_map(v, s);
	char device[IFNAMSIZ], mac[MAC_LEN];

	put_text(row, "dev", "%s", device_format(v->mirror, s->ifindex, device));
	put_text(row, "dst", "%s", mac_format(mac_of(s).mac, mac));
	put_text(row, "kernel", "%s",
		 should ? device_format(v->mirror, should, device) : "no device");
	put_text(row, "fastpath", "%s", is ? device_format(v->mirror, is, device) : "no device");
	put_text(row, "cause", "%s",
		 wanted_upper(v->d->mirror, s) == should
			 ? "the daemon's mirror is right: the map is not as it wrote it"
			 : "the daemon's mirror differs from the kernel too");
}

const struct subject_type verify_ingress_mac_type = {
	.name = "ingress_mac",
	.differs = ingress_mac_differs,
	.describe = ingress_mac_describe,
};

static int note_ingress_mac(struct verify *v, uint32_t ifindex, const uint8_t mac[6])
{
	struct subject s = { .kind = SUBJECT_INGRESS_MAC, .ifindex = ifindex };

	memcpy(&s.first, mac, 4);
	memcpy(&s.last, mac + 4, 2);
	return verify_note(v, &s);
}

/* Those that are right are noted for nothing. */
static int on_ingress_mac(void *ctx, union ingress_mac key)
{
	struct verify *v = ctx;

	return note_ingress_mac(v, datapath_port(v->dp, key.port).ifindex, key.mac);
}

int verify_ingress_macs(struct verify *v)
{
	const struct mirror_link *lower, *upper;
	int err = 0;

	for (lower = mirror_next_link(v->mirror, 0); lower && !err;
	     lower = mirror_next_link(v->mirror, lower->e.ifindex)) {
		upper = NULL;
		while (!err && (upper = resolve_next_upper(v->mirror, lower, upper)))
			err = note_ingress_mac(v, lower->e.ifindex, upper->e.mac);
	}
	return err ? err : datapath_walk_ingress_macs(v->dp, on_ingress_mac, v);
}
