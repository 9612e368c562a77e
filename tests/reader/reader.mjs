// A second reader of record files, from spec/genesis.md, keys.md, entry.md, record.md and RECEIPT of statements.md alone; section numbers are theirs.
// node reader.mjs NORTH.record [SOUTH.record ...]: one JSON line a file, one more on whether they are identical; exit 0 sound, 1 faults,
// 2 unreadable. Not checked: ML-DSA-44 signatures (their shape only), what a LINK claims, circles of `seen`; no remarks are made.
import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
class Wrong extends Error {} const check = (fine, what) => { if (!fine) throw new Wrong(what); };
const attempt = (act, otherwise) => { try { act(); } catch (e) { if (e instanceof Wrong) otherwise(e.message); else throw e; } };
const joined = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const sha256 = (...parts) => createHash("sha256").update(joined(...parts)).digest(); const hex = (b) => b.toString("hex");
const big = (n, width) => Buffer.from(BigInt.asUintN(8 * width, BigInt(n)).toString(16).padStart(2 * width, "0"), "hex");
const order = (a, b) => a.reduce((by, x, i) => by || (Buffer.isBuffer(x) ? Buffer.compare(x, b[i]) : x - b[i]), 0);
const differ = (items, what) => check(new Set(items).size === items.length, `${what} stands twice`);

// Canonical bytes, entry.md 1: any form of a length is decoded, then all is held against the one shortest encoding.
const sized = (n, first, widths, room = n, i = widths.findIndex((w) => room < 2 ** (8 * w))) => joined([first + i], big(n, widths[i]));
export function encode(v) {
  const n = typeof v === "string" ? Buffer.byteLength(v) : v?.length;
  if (typeof v === "string") return joined(n < 32 ? [0xa0 + n] : sized(n, 0xd9, [1, 2, 4]), v);
  if (Buffer.isBuffer(v)) return joined(sized(n, 0xc4, [1, 2, 4]), v);
  if (Array.isArray(v)) return joined(n < 16 ? [0x90 + n] : sized(n, 0xdc, [2, 4]), ...v.map(encode));
  if (!Number.isInteger(v)) return Buffer.from([v === null ? 0xc0 : v ? 0xc3 : 0xc2]);
  if (v >= -32 && v < 128) return Buffer.from([v & 255]);
  return v > 0 ? sized(v, 0xcc, [1, 2, 4, 8]) : sized(v, 0xd0, [1, 2, 4, 8], -2 * v - 2);
}
const plain = (v) => (Array.isArray(v) ? v.every(plain) : typeof v === "string" ? !/[\0-\x1f\x7f-\x9f]/.test(v) : !(Math.abs(v) >= 2 ** 53));
export function decode(data, limit = 262144) {
  check(data.length <= limit, `${data.length} bytes, at most ${limit} are allowed`);
  let at = 0, count = 0;
  const take = (n) => { check(n <= data.length - at, `ends inside the value at byte ${at}`); return data.subarray(at, (at += n)); };
  const number = (w, signed) => Number(BigInt[signed ? "asIntN" : "asUintN"](8 * w, BigInt("0x" + hex(take(w)))));
  const items = (n, depth) => { check(depth < 8 && n <= data.length - at, "an array too deep or too long"); return Array.from({ length: n }, () => value(depth + 1)); };
  const value = (depth) => {
    check(++count <= 65536, "more than 65536 items");
    const b = number(1);
    if (b < 0x80 || b >= 0xe0) return b < 0x80 ? b : b - 256;
    if (b >= 0x90 && b < 0xa0) return items(b - 0x90, depth);
    if (b >= 0xa0 && b < 0xc0) return take(b - 0xa0).toString();
    if (b === 0xc0 || b === 0xc2 || b === 0xc3) return b === 0xc0 ? null : b === 0xc3;
    if (b >= 0xc4 && b <= 0xc6) return take(number(1 << (b - 0xc4)));
    if (b >= 0xcc && b <= 0xd3) return number(1 << (b & 3), b >= 0xd0);
    if (b >= 0xd9 && b <= 0xdb) return take(number(1 << (b - 0xd9))).toString();
    check(b === 0xdc || b === 0xdd, `a value that begins with ${b.toString(16)}: a map, float or extension`);
    return items(number(2 << (b - 0xdc)), depth);
  };
  const result = value(0);
  check(plain(result) && encode(result).equals(data), "a control character, an integer of 2^53, or not the one canonical form");
  return result;
}

// Forms: a predicate for each item; a tuple has at least its items, an exact one no more.
const between = (low, high) => (v) => Number.isInteger(v) && v >= low && v <= high;
const integer = Number.isInteger, natural = between(0, Infinity); const text = (low, high) => (v) => typeof v === "string" && between(low, high)(Buffer.byteLength(v));
const bytes = (n) => (v) => Buffer.isBuffer(v) && (n === undefined || v.length === n); const maybe = (form) => (v) => v === null || form(v);
const list = (form, low = 0, high = Infinity) => (v) => Array.isArray(v) && between(low, high)(v.length) && v.every((x) => form(x));
const tuple = (...forms) => (v) => Array.isArray(v) && forms.every((form, i) => form(v[i])); const exact = (...forms) => (v) => tuple(...forms)(v) && v.length === forms.length;
const ANY = list(() => true);
const read = (data, form, what, limit) => { const v = decode(data, limit); check(form(v), `an item of the ${what} is not of its form`); return v; };

// Signatures, entry.md 7: OpenSSL checks the cofactorless equation, and here is checked what goes before it.
const P = 2n ** 255n - 19n, L = 2n ** 252n + 27742317777372353535851937790883648493n; const little = (b) => BigInt("0x" + hex(Buffer.from(b).reverse()));
const ORDER_8 = ["c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"];
const SMALL = [0n, 1n, P - 1n, ...ORDER_8.map((y) => little(Buffer.from(y, "hex")))];
const sound = (point) => { const y = little(point) % 2n ** 255n; return y < P && !SMALL.includes(y); };
export function valid(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64 || little(signature.subarray(32)) >= L) return false;
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.toString("base64url") };
  return [key, signature.subarray(0, 32)].every(sound) && verify(null, message, createPublicKey({ key: jwk, format: "jwk" }), signature);
}

// Genesis, genesis.md 2 and 3.
const KEY = (v) => tuple(text(0, 16), bytes(32))(v) && bytes(v[0] ? 0 : 1312)(v.length > 2 ? v[2] : Buffer.alloc(0));
const NAME = (v) => text(1, 16)(v) && !/[+/ \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(v);
const HASH_OR_NONE = (v) => bytes(32)(v) || bytes(0)(v);
const MEMBER = (v) => tuple(NAME, between(0, 1), natural, list(bytes(32)), list(KEY))(v) && between(1, v[3].length)(v[2]) && (v.length < 6 || HASH_OR_NONE(v[5]));
const LIMITS = (v) => ANY(v) && between(2048, 262144)(v.length ? v[0] : 65536);
const BODY = tuple((v) => v === "keepclear/genesis/1", between(1, 1), between(0, 2), text(0, Infinity), integer, bytes(16), LIMITS, list(MEMBER, 2, 5));
export function readGenesis(document) {
  const [body, signatures] = read(document, exact(bytes(), list(exact(natural, natural, bytes(64)))), "genesis");
  const [, , , , , , [limit = 65536], members] = read(body, BODY, "genesis body");
  const id = sha256("keepclear/genesis/1\0", body), names = members.map(([name]) => name), roots = members.map((m) => m[3]);
  const keys = members.flatMap((m, member) => m[4].map(([seat, key, mldsa]) => ({ member, seat, key, mldsa })));
  const node = members.map((_, i) => keys.findIndex((k) => k.member === i && !k.seat)), all = [...roots.flat(), ...keys.map((k) => k.key)];
  check(keys.length <= 128 && all.every(sound) && !node.includes(-1), "a key is not sound, or there are more than 128, or no node key");
  differ(names, "a member's name"), differ(all.map(hex), "a key"), differ(keys.map((k) => `${k.member}/${k.seat}`), "a seat");
  signatures.forEach(([member, root, signature], i) => {
    check(!i || order(signatures[i - 1].slice(0, 2), [member, root]) < 0, "the roots' signatures are out of sequence");
    const key = roots[member]?.[root], signed = joined("keepclear/genesis-signature/1\0", id);
    check(key && valid(key, signed, signature), `the signature of root ${member}/${root} is not valid`);
  });
  check(members.every((m, i) => signatures.filter(([by]) => by === i).length >= m[2]), "fewer roots have signed than a threshold asks");
  return { id, limit, keys, node, names, roots, threshold: members.map((m) => m[2]), lists: new Map() };
}

// Key lists, keys.md 2 and 3.
const UPTO = list((v) => exact(bytes(8), maybe(natural))(v)), LISTED = (v) => tuple(text(0, 16), bytes(32))(v) && bytes(v[0] ? 0 : 1312)(v.length > 2 ? v[2] : Buffer.alloc(0));
const LIST = tuple((v) => v === "keepclear/key-list/1", bytes(32), natural, between(1, 65535), list(LISTED, 1, 128));
export function readList(line, document) {
  const [data, marks] = read(document, exact(bytes(), list(exact(natural, bytes(64)))), "key list document", 65536);
  const [, id, member, number, listed, next = Buffer.alloc(0), ends = []] = read(data, LIST, "key list", 65536), roots = line.roots[member];
  check(id.equals(line.id) && roots && HASH_OR_NONE(next), "a key list of another line or member, or its next hash has no 32 bytes");
  check(list(tuple(bytes(32), UPTO), 0, 16)(ends) && ends.reduce((n, [, upto]) => n + upto.length, 0) <= 4000, "ends is not of its form, or too long");
  const rising = (items) => items.every((x, i) => !i || order([items[i - 1]], [x]) < 0);
  check(rising(ends.map(([key]) => key)) && ends.every(([, upto]) => rising(upto.map(([inc]) => inc))), "what ends is out of sequence");
  const keys = listed.map(([seat, key, mldsa]) => ({ member, seat, key, mldsa })), others = [...line.roots.flat(), ...line.keys.filter((k) => k.member !== member).map((k) => k.key)].map(hex);
  check(keys.every((k) => sound(k.key) && !others.includes(hex(k.key))) && keys.filter((k) => !k.seat).length === 1, "a key is not sound or another's, or no node key");
  differ(keys.map((k) => hex(k.key)), "a key"), differ(keys.map((k) => k.seat), "a seat");
  const listId = sha256("keepclear/key-list/1\0", data), signed = joined("keepclear/key-list-signature/1\0", listId);
  marks.forEach(([root, mark], i) => check((!i || marks[i - 1][0] < root) && roots[root] && valid(roots[root], signed, mark), `the signature of root ${root} is not valid or out of sequence`));
  check(marks.length >= line.threshold[member], "fewer roots have signed than the threshold asks");
  return { member, number, keys, ends, id: hex(listId), node: keys.find((k) => !k.seat) };
}
const carried = (line, kind, items) => { let found = null; if (kind === 21 && tuple(maybe(ANY), maybe(ANY), bytes())(items)) attempt(() => { found = readList(line, items[2]); }, () => {}); return found; };
const listsOf = (line, member) => [...line.lists.values()].flat().filter((one) => one.member === member);
const nodeKeys = (line, member) => [line.keys[line.node[member]], ...listsOf(line, member).map((one) => one.node)];
const told = (line, one) => { const name = `${one.member}/${one.number}`, same = line.lists.get(name) ?? []; if (!same.some((x) => x.id === one.id)) line.lists.set(name, [...same, one]); };

// Tree, entry.md 8: from leaf hashes to the root over the first n of them.
export function tree(leaves, known = new Map()) {
  const over = (from, n) => { const k = 2 ** (31 - Math.clz32(n - 1)), name = `${from} ${n}`;
    if (n > 1 && !known.has(name)) known.set(name, sha256([1], over(from, k), over(from + k, n - k)));
    return n > 1 ? known.get(name) : n ? leaves[from] : sha256();
  };
  return (n) => over(0, n);
}

// Entry, entry.md 3 to 6: valid by itself, whatever stands before it.
const ENTRY = exact(bytes(), bytes(64), list(exact(natural, bytes(64)), 0, 2), bytes(32), bytes());
const HEADER = tuple(between(1, 1), bytes(32), natural, natural, bytes(8), natural, natural, bytes(32),
  list(maybe(tuple(bytes(8), natural, integer))), integer, natural, between(1, 4), natural, maybe(bytes(32)),
  list(bytes(32), 0, 2), natural, text(0, 16), integer, maybe(integer), bytes(32), maybe(bytes(32)), natural);
export function readEntry(line, data) {
  const [header, signature, releases, seed, body] = read(data, ENTRY, "entry", line.limit), h = read(header, HEADER, "header");
  const [, id, , party, incarnation, start, seq, prev, seen, , , , kind, , , to, , , , root, releasesHash, key] = h, n = line.names.length;
  check(id.equals(line.id) && to === 2 ** n - 1 && seen.length === n - 1, "not of this line, or not to and with all its members");
  check((seq === 0) === prev.equals(Buffer.alloc(32)), `the entry before does not suit seq ${seq}`);
  const items = read(body, list(() => true, 0, 32), "body"), leaves = items.map(encode);
  const salt = (i) => createHmac("sha256", seed).update(big(i, 4)).digest();
  const hashes = Array.from({ length: items.length > 16 ? 32 : 16 }, (_, i) => sha256([0], salt(i), leaves[i] ?? []));
  check(tree(hashes)(hashes.length).equals(root), "the body root is not that of seed and body");
  const shown = joined("keepclear/release/1\0", encode([1, 2, 3, 12, 13, 14, 15, 11, 16, 17, 18, 19].map((i) => h[i])));
  differ(releases.map(([by]) => by), "a release"); const own = carried(line, kind, items), epoch = h[2], mine = own && own.member === party && own.number === epoch;
  const tables = () => epoch === 0 ? [line.keys] : [...(line.lists.get(`${party}/${epoch}`) ?? []), ...(mine ? [own] : [])].map((one) => one.keys);
  const signedBy = (keys) => { // under each list of that number: it is enough that all signatures are valid under one
    check(keys[key]?.member === party && !keys[key].seat, `key ${key} is not the node key of member ${party}`);
    check(valid(keys[key].key, joined("keepclear/entry/1\0", header), signature), "the node's signature is not valid");
    check(releases.every(([by, mark]) => keys[by]?.member === party && keys[by].seat && valid(keys[by].key, shown, mark)), "a release is not by a seat of the author, or its signature is not valid");
  };
  const judged = () => { const known = tables(); if (!known.length) return false; const whys = []; for (const keys of known) { let why = ""; attempt(() => signedBy(keys), (w) => { why = w; }); whys.push(why); } check(whys.includes(""), whys[0]); return true; };
  check(encode(releases.length ? sha256("keepclear/releases/1\0", encode(releases)) : null).equals(encode(releasesHash)), "another releases hash");
  const leaf = sha256([0], header), place = [1, party, start, incarnation, seq, leaf];
  const listed = judged(), signers = [key, ...releases.map(([by]) => by)];
  return { name: `${party}/${hex(incarnation)}`, party, incarnation, start, seq, prev, kind, items, leaf, place, urgent: h[11] === 1, listed, judged, own, tables, signers, epoch };
}

// Checkpoint notes, record.md 2.
const base64 = (s) => { const b = Buffer.from(s, "base64"); check(b.toString("base64") === s, "not base64"); return b; };
const NOTE = /^(keepclear\/([0-9a-f]{64})\/([^/\n]+)\/([0-9a-f]{16})\n(0|[1-9]\d{0,15})\n([^\n]{44})\n)\n((?:— [^ \n]+ [^ \n]+\n){1,16})$/;
export function readNote(line, data) {
  const note = data.toString(), [, head, id, author, incarnation, decimal, sum, lines] = NOTE.exec(note) ?? [];
  check(head && joined(note).equals(data) && data.length <= 65536 && !/[\0-\t\v-\x1f\x7f-\x9f]/.test(note), "not of a note's form");
  const party = line.names.indexOf(author), size = Number(decimal), root = base64(sum);
  check(id === hex(line.id) && party >= 0 && Number.isSafeInteger(size) && root.length === 32, "not of this line, or no size or root");
  const table = line.names.flatMap((member, i) => nodeKeys(line, i).flatMap(({ key, mldsa }) => [i === party ? 1 : 4, 6].map((type) => {
    const name = `keepclear/${id.slice(0, 16)}/${member}`;
    return { name, type, key, member: i, id: sha256(name, "\n", [type], type === 6 ? mldsa : key).subarray(0, 4) };
  })));
  const signers = lines.trimEnd().split("\n").map((row) => {
    const [, name, blob] = row.split(" "), signed = base64(blob), keyId = signed.subarray(0, 4);
    const by = table.find((s) => s.name === name && s.id.equals(keyId));
    check(!by || signs(by, signed.subarray(4), head), `the signature of ${name} is not valid`);
    return { place: [joined(name), keyId], type: by?.type, member: by?.member };
  });
  check(signers.some(({ type }) => type === 1), "not signed by its author");
  const oneForm = signers.every((s, i) => s.type && (!i || order(signers[i - 1].place, s.place) < 0));
  return { name: `${party}/${incarnation}`, size, root, cosigned: signers.some((s) => s.type && s.member !== party), oneForm, place: [2, joined(head.split("\n")[0]), size, joined(head)] };
}
function signs(by, signed, head) {
  if (by.type === 1) return valid(by.key, joined(head), signed); if (signed.length !== { 4: 72, 6: 2428 }[by.type] || signed[0] > 127) return false;
  return by.type === 6 || valid(by.key, joined(`cosignature/v1\ntime ${signed.readBigUInt64BE()}\n${head}`), signed.subarray(8));
}

// Logbooks, entry.md 9 and 10, and what receipts say of them: statements.md 15, record.md 5.
const EMPTY = { chain: [], slots: new Map(), root: tree([]) }; const another = (book, size, root) => book.chain.length >= size && !book.root(size).equals(root);
function follow(book, report) {
  book.entries.sort((a, b) => order([a.seq, a.leaf], [b.seq, b.leaf]));
  for (const { seq, leaf } of book.entries) book.slots.set(seq, [...(book.slots.get(seq) ?? []), leaf]);
  let held = 0;
  for (const { name, seq, prev, start, leaf, urgent } of book.entries) {
    const before = book.slots.get(seq - 1), fault = (what) => report(`contradiction: ${name}/${seq} ${what}`);
    if (book.slots.get(seq)[0] !== leaf) fault("is the second entry in its slot");
    if (book.chain.length === seq && (book.chain.at(-1) ?? prev).equals(prev)) book.chain.push(leaf);
    if (before && !before.some((b) => b.equals(prev))) fault("does not follow the entry before it");
    if (start !== book.start) fault(`has start ${start}, another entry of the incarnation ${book.start}`);
    if (seq > book.chain.length + 4096 && (!urgent || held >= 8192 || seq >= 2 ** 48)) report(`${name}/${seq} is more than 4096 past the size ${book.chain.length}`);
    else if (seq > book.chain.length) held += 1;
  }
}
const RECEIPT = tuple(maybe(ANY), maybe(ANY), natural, bytes(8), natural, bytes(32),
  list(tuple(natural, natural, integer, maybe(integer))), (v) => v === undefined || list(tuple(natural, bytes(32), integer))(v));
function checkReceipt(e, books, line) {
  check(RECEIPT(e.items), "the receipt cannot be read");
  const [, , party, incarnation, size, root, ranges, beyond = []] = e.items, book = books.get(`${party}/${hex(incarnation)}`) ?? EMPTY;
  const held = ([seq, n]) => seq + n <= size || (n === 1 && beyond.some(([past]) => past === seq));
  const fits = party < line.names.length && party !== e.party && ranges.every(held) && beyond.every(([seq]) => seq >= size);
  check(fits, `a receipt for no other member, of a range past its size ${size}, or of an entry past the gap below it`);
  const elsewhere = ([seq, leaf]) => book.slots.get(seq)?.every((here) => !here.equals(leaf));
  check(!another(book, size, root) && !beyond.some(elsewhere), `another root or leaf of ${party}/${hex(incarnation)} than here`);
}

// The file and the joint checkpoint, record.md 3 to 5.
function* itemsOf(file) {
  check(file.length > 19 && file.subarray(0, 19).toString() === "keepclear-record/1\n", "does not begin with keepclear-record/1 and a genesis");
  for (let at = 19, size; at < file.length; at += 4 + size) {
    size = at + 4 <= file.length ? file.readUInt32BE(at) : Infinity;
    check(at + 4 + size <= file.length, `the item at byte ${at} ends beyond the file`);
    const [type, data] = read(file.subarray(at + 4, at + 4 + size), exact(between(0, 2), bytes()), `item at byte ${at}`, 262151);
    check((type === 0) === (at === 19), `byte ${at}: a genesis out of its place`);
    yield [at, type, data];
  }
}
// Ends, keys.md 4: how many entries of an incarnation a key was good for; null while nothing ends it there.
function goodFor(line, found, member, key, name) {
  const ends = listsOf(line, member).flatMap((one) => one.ends.filter(([k]) => k.equals(key)).map(([, upto]) => {
    const said = upto.find(([inc]) => `${member}/${hex(inc)}` === name), twins = line.lists.get(`${member}/${one.number}`);
    if (said && said[1] === null) return Math.min(...twins.map((x) => found.carriers.get(`${x.id} ${name}`) ?? Infinity)) + 1;
    return said ? said[1] : 0;
  }));
  return ends.length ? Math.max(Math.min(...ends), found.cosigned.get(name) ?? 0) : null;
}
function pastEnd(line, books, notes, entries) {
  const found = { carriers: new Map(), cosigned: new Map() };
  for (const e of entries) if (e.own && e.own.member === e.party) { const name = `${e.own.id} ${e.name}`; found.carriers.set(name, Math.min(e.seq, found.carriers.get(name) ?? Infinity)); }
  for (const { name, size, root, cosigned } of notes) if (cosigned && (books.get(name)?.chain.length ?? 0) >= size && books.get(name).root(size).equals(root)) found.cosigned.set(name, Math.max(size, found.cosigned.get(name) ?? 0));
  const past = (e) => e.tables().some((keys) => e.signers.some((by) => { const key = keys[by]?.key, good = key ? goodFor(line, found, e.party, key, e.name) : null; return good !== null && e.seq >= good; }));
  return entries.filter(past).map((e) => [e.party, hex(e.incarnation), e.seq]);
}
export function readRecord(file) {
  const entries = new Map(), notes = [], faults = [], books = new Map(), roots = new Map(), report = (what) => faults.push(what);
  let line, last = [0], unreadable = null; const waiting = [];
  const take = (item) => { entries.set(hex(item.leaf), item); if (item.own) told(line, item.own); }; // one header is one entry, however often it was signed
  attempt(() => {
    for (const [at, type, data] of itemsOf(file)) {
      if (type === 0) line = readGenesis(data);
      else attempt(() => {
        const item = [readEntry, readNote][type - 1](line, data), before = last;
        if (type === 2) notes.push(item); else if (!item.listed) waiting.push([at, item]);
        else { take(item); for (let again = true; again;) { again = false; for (const one of waiting.splice(0)) attempt(() => (one[1].judged() ? (take(one[1]), again = true) : waiting.push(one)), (why) => report(`byte ${one[0]}: ${why}`)); } }
        check(order(before, (last = item.place)) < 0 && item.oneForm !== false, "out of sequence, or a note not in its one form");
      }, (why) => report(`byte ${at}: ${why}`));
    }
  }, (why) => { unreadable = why; });
  for (const [at, item] of waiting) report(`byte ${at}: signed under key list ${item.epoch} of member ${item.party}, which is not in this record`);
  for (const same of line ? line.lists.values() : []) if (same.length > 1) report(`contradiction: two key lists ${same[0].number} of member ${same[0].member}`);
  for (const e of entries.values()) books.set(e.name, books.get(e.name) ?? { ...e, entries: [], slots: new Map(), chain: [] }).get(e.name).entries.push(e);
  for (const book of books.values()) follow(book, report), (book.root = tree(book.chain));
  for (const { name, size, root } of notes) {
    const at = `${name} at size ${size}`, first = roots.set(at, roots.get(at) ?? root).get(at);
    if (another(books.get(name) ?? EMPTY, size, root) || !first.equals(root)) report(`contradiction: two roots of ${at}`);
  }
  for (const e of entries.values()) if (e.kind === 15) attempt(() => checkReceipt(e, books, line), (why) => report(`${e.name}/${e.seq}: ${why}`));
  const rows = [...books.values()].sort((a, b) => order(a.place, b.place)).map(({ party, start, incarnation, chain, entries, root }) =>
    [party, start, incarnation, chain.length, root(chain.length), entries.filter((e) => chain[e.seq] !== e.leaf).map((e) => [e.seq, e.leaf])]);
  const joint = line ? hex(sha256("keepclear/joint/1\0", line.id, ...rows.map(encode))) : null;
  const shown = rows.map(([party, , incarnation, size, root]) => ({ party, incarnation: hex(incarnation), size, root: hex(root) }));
  const past = line ? pastEnd(line, books, notes, [...entries.values()]) : [];
  return { line: line ? hex(line.id) : null, entries: entries.size, notes: notes.length, books: shown, joint, past, faults, unreadable };
}
if (process.argv[1]?.endsWith("reader.mjs")) {
  const records = process.argv.slice(2).map((path) => readRecord(readFileSync(path)));
  for (const record of records) console.log(JSON.stringify(record));
  if (records.length > 1) console.log(JSON.stringify({ identical: records.every((r) => !r.unreadable && r.joint === records[0].joint) }));
  process.exitCode = records.length && records.every((r) => !r.unreadable) ? Number(records.some((r) => r.faults.length)) : 2;
}
