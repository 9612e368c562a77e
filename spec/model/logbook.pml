/*
 * logbook.pml: one author's logbook at four nodes, under crash, restore and clone.
 *
 * The law of this file: a node is sets of entries, and a step is one atomic change of those sets. An entry is one
 * bit: its slot (incarnation, seq). What no bound below limits is not limited: a message is delayed, repeated,
 * overtaken or lost at will, and a restore brings back any part of anything that was ever on that disk. The good
 * model is this file without a variant; each variant takes one rule away and must fail. README.md says what is
 * left out and tells each counterexample in words.
 */

/* Bounds; run.sh sets them for each run. */
#ifndef ENTRIES
#define ENTRIES 2 /* said by the author's running copies together; LINK entries come on top */
#endif
#ifndef CRASHES
#define CRASHES 1 /* of any node: memory is lost, the disk stays */
#endif
#ifndef RESTORES
#define RESTORES 1 /* of any node: the disk goes back as well */
#endif
#ifndef CLONES
#define CLONES 1 /* 0 or 1: a second copy of the author's disk starts while the first runs on */
#endif

/* Nodes. TWIN is the author's clone: same party, same key. PEER and OBSERVER hold what the author says. */
#define AUTHOR 0
#define TWIN 1
#define PEER 2
#define OBSERVER 3
#define IS_AUTHOR(n) ((n) <= TWIN)
#define RUNS(n) ((n) != TWIN || twin)

/* Slots: an incarnation has room for all that may be said and a LINK. A variant that lets starts share an incarnation
 * needs room for all their LINKs, or it would fail for want of room. */
#define STARTS (1 + CRASHES + RESTORES + CLONES)
#ifdef VARIANT
#define SEQS (ENTRIES + STARTS)
#else
#define SEQS (ENTRIES + 1)
#endif
#define SLOT(start, seq) (1 << ((start) * SEQS + (seq)))
#define BEFORE_START(start) (SLOT(start, 0) - 1)
#define IN_START(start) (BEFORE_START((start) + 1) & ~BEFORE_START(start))
#if STARTS * SEQS < 16
#define SET short
#else
#define SET int
#endif

SET mem[4];       /* what a node's running process knows */
SET disk[4];      /* what its disk holds */
SET image[4];     /* all that its disk ever held, while a restore or a clone may still bring it back */
SET receipted[4]; /* what PEER and OBSERVER gave a receipt for, less what a restore of theirs took away */
SET signatures;   /* slots that carry a signature, wherever it is now */
SET wire;         /* slots whose bytes have left an author: they may reach anybody at any time, or never */
byte start[2];    /* the incarnation in which AUTHOR or TWIN signs */
byte starts = 1;  /* starts so far: stands for the 8 fresh bytes, which never repeat */
byte answered[2]; /* who answered this start with its durable vector: 1 PEER, 2 OBSERVER */
bool linked[2];   /* this start has said its LINK; the very first start has nothing to link */
byte entries, crashes, restores;
bool twin;               /* the clone runs */
bool author_rolled_back; /* some author's disk was restored */

#if defined(SENT_BY_OLD_RECEIPTS) || defined(WITNESS)
SET old_receipts[4]; /* receipts as the author remembers them across a restore of their signer */
#endif
#ifdef WITNESS
SET rolled_back; /* entries with a receipt that a restore took from the author's disk */
#endif
#ifdef LINK_IS_FINAL
SET link_slot, link_named; /* the first LINK said, and the entries it names */
#endif

/* Scratch of one step: zero between steps, so that it adds no state. */
int left, pick, kept;
byte at;

/* Properties: set and asserted within one step, true between steps; the checker's verdict shows their names. */
bool P1_one_content_in_one_slot = true;
bool P2_no_receipted_entry_is_lost = true;
bool P3_a_receipt_means_durable = true;
bool P4_all_copies_are_equal = true;
bool P5_a_crash_takes_back_nothing_said = true;
bool witnessed = true;

/* WITNESS n turns one question, "does this happen at all?", into an assertion that must fail. */
#ifdef WITNESS
#define HAPPENS(n, what) if :: WITNESS == n && (what) -> witnessed = 0; assert(witnessed) :: else fi
#else
#define HAPPENS(n, what) skip
#endif

/* ---- The rules, and what a variant puts in their place ---- */

/* A fork counts in the good model as soon as two signatures exist. A variant is accused only when the first of the
 * two has left the author and is not lost, so that its counterexample is one that the others could see. */
#ifdef VARIANT
#define TAKEN wire
#else
#define TAKEN signatures
#endif

/* Commit, then send. With a failed disk FLASH goes out undurable, marked so. */
#ifdef UNDURABLE_FLASH
#define SENT_AT_SIGNING(set) wire = wire | (set)
#else
#define SENT_AT_SIGNING(set) skip
#endif

/* What a receipt covers. */
#ifdef RECEIPT_BEFORE_DURABLE
#define RECEIPTABLE(h) mem[h]
#else
#define RECEIPTABLE(h) disk[h]
#endif

/* What an author adopts from a holder's answer: whatever carries its own signature. */
#ifdef NO_ADOPTION
#define ADOPTABLE(p, h) 0
#else
#define ADOPTABLE(p, h) (disk[h] & ~mem[p])
#endif

/* What an author still has to bring to a holder: all that the vector of the holder's present start lacks. */
#ifdef SENT_BY_OLD_RECEIPTS
#define MISSING(p, h) (disk[p] & ~mem[h] & ~old_receipts[h])
#else
#define MISSING(p, h) (disk[p] & ~mem[h])
#endif

/* What a holder refuses: nothing. Entries that a LINK did not name are late, never false. */
#ifdef LINK_IS_FINAL
#define REFUSED(h) ((mem[h] & link_slot) != 0 -> (link_slot - 1) & ~link_named : 0)
#else
#define REFUSED(h) 0
#endif

/* at = the highest incarnation that has an entry in `set`; STARTS when there is none. */
inline highest_start(set) {
  at = STARTS;
  left = STARTS;
  do
  :: left > 0 && at == STARTS -> left--; if :: ((set) & IN_START(left)) != 0 -> at = left :: else fi
  :: else -> break
  od;
  left = 0
}

/* The incarnation of a start: fresh, whatever the disk says. */
inline choose_incarnation(p, disk_went_back) {
#ifdef INCARNATION_FROM_DISK
  highest_start(disk[p]);
  start[p] = (at == STARTS -> 0 : at + 1);
  at = 0
#else
  start[p] = starts;
  starts++;
#ifdef SAME_INCARNATION_AFTER_RESTORE
  if
  :: disk_went_back -> highest_start(disk[p]); start[p] = (at == STARTS -> 0 : at); at = 0
  :: else
  fi
#endif
#endif
}

/* Only what a node has is left of what was sent. */
inline lose_in_flight() { wire = wire & (mem[PEER] | mem[OBSERVER] | disk[AUTHOR] | disk[TWIN]) }

inline begin(p, disk_went_back) {
#ifdef NOTHING_IN_FLIGHT
  lose_in_flight();
#endif
  answered[p] = 0;
  linked[p] = false;
  choose_incarnation(p, disk_went_back);
  printf("MODEL node %d starts in incarnation %d with disk %x\n", p, start[p], disk[p])
}

/* After the answers: nothing; a process stays in its own incarnation. */
inline after_answers(p) {
#ifdef RETURN_TO_OLD_ONCE_CONFIRMED
  if
  :: (answered[p] == 3 || (RETURN_TO_OLD_ONCE_CONFIRMED == 1 && answered[p] != 0)) && !linked[p] && start[p] > 0 ->
    highest_start(mem[p] & BEFORE_START(start[p]));
    start[p] = (at == STARTS -> start[p] : at);
    at = 0;
    printf("MODEL node %d is confirmed and goes on in incarnation %d\n", p, start[p])
  :: else
  fi
#else
  skip
#endif
}

/* Sign in the next slot of the process's incarnation, as far as the process knows. */
#define ROOM(p) ((mem[p] & SLOT(start[p], SEQS - 1)) == 0)
inline sign(p) {
  at = 0;
  do
  :: (mem[p] & SLOT(start[p], at)) != 0 -> at++
  :: else -> break
  od;
  pick = SLOT(start[p], at);
  printf("MODEL node %d signs slot (incarnation %d, seq %d)\n", p, start[p], at);
  P1_one_content_in_one_slot = ((TAKEN & pick) == 0);
  assert(P1_one_content_in_one_slot);
  signatures = signatures | pick;
  mem[p] = mem[p] | pick;
  SENT_AT_SIGNING(pick);
  at = 0;
  pick = 0
}

/* kept = any part of what this disk ever held: an image of any age, whole or torn. A variant is accused by whole
 * images only: what comes after the first entry that is missing is missing too. */
#ifdef VARIANT
#define LEAVE_OUT left = 0
#else
#define LEAVE_OUT skip
#endif
inline choose_image(n) {
  left = image[n];
  do
  :: left != 0 -> pick = left & -left; left = left & ~pick; if :: kept = kept | pick :: LEAVE_OUT fi
  :: else -> break
  od;
  pick = 0
}

/* Images that nothing can bring back any more are forgotten: fewer states, the same behaviour. */
inline forget_images() {
  if
  :: restores == RESTORES ->
    image[TWIN] = 0;
    image[PEER] = 0;
    image[OBSERVER] = 0;
    if :: twin || CLONES == 0 -> image[AUTHOR] = 0 :: else fi
  :: else
  fi
}

inline check_after_crash(n) {
  HAPPENS(7, n == AUTHOR && wire != 0 && (signatures & ~wire) != 0);
#if !defined(UNDURABLE_FLASH) || defined(VARIANT)
  P5_a_crash_takes_back_nothing_said = (n != AUTHOR || author_rolled_back || twin || (wire & ~disk[n]) == 0);
  assert(P5_a_crash_takes_back_nothing_said)
#else
  skip
#endif
}

/* P2 is asked of the author: what one standing holder has, the author has again. P4 then gives it to everybody. */
inline check_quiet() {
  left = receipted[PEER] | receipted[OBSERVER];
  printf("MODEL quiet: disks %x %x %x, clone %x, receipted %x\n",
    disk[AUTHOR], disk[PEER], disk[OBSERVER], disk[TWIN], left);
  HAPPENS(5, ((old_receipts[PEER] | old_receipts[OBSERVER]) & ~disk[AUTHOR]) != 0);
  HAPPENS(6, (rolled_back & left) != 0);
  P2_no_receipted_entry_is_lost = ((left & ~disk[AUTHOR]) == 0);
  assert(P2_no_receipted_entry_is_lost);
  left = 0;
  P4_all_copies_are_equal = (disk[AUTHOR] == disk[PEER] && disk[AUTHOR] == disk[OBSERVER] && linked[AUTHOR]
    && (!twin || (disk[AUTHOR] == disk[TWIN] && linked[TWIN])));
  assert(P4_all_copies_are_equal)
}

/* ---- Steps ---- */

#define SAY(p) RUNS(p) && entries < ENTRIES && ROOM(p) -> entries++; sign(p); \
  HAPPENS(4, twin && (signatures & IN_START(start[AUTHOR])) != 0 && (signatures & IN_START(start[TWIN])) != 0)

/* One group reaches the disk; only then do an author's entries leave. */
inline keep(n) {
  disk[n] = mem[n];
  image[n] = image[n] | disk[n];
  forget_images();
  if
  :: IS_AUTHOR(n) -> wire = wire | disk[n]
  :: n == OBSERVER -> receipted[n] = disk[n]; remember_receipt(n)
  :: else
  fi;
  printf("MODEL node %d commits, disk now %x\n", n, disk[n])
}
#define COMMIT(n) RUNS(n) && mem[n] != disk[n] -> keep(n)

/* One entry arrives: any that ever left and that this node does not know. PEER receives, commits and gives receipts
 * in steps of their own; OBSERVER in one, which is the hardest on P2. Nobody sees a holder's memory before it is
 * committed (a variant apart), so one such holder is enough. */
#define COMING(h) (wire & ~mem[h] & ~REFUSED(h))
#define DELIVER(h) COMING(h) != 0 -> \
  left = COMING(h); \
  do \
  :: pick = left & -left; left = left & ~pick; if :: break :: left != 0 -> skip fi \
  od; \
  d_step { \
    HAPPENS(3, linked[AUTHOR] && start[AUTHOR] > 0 && !twin && (mem[h] & SLOT(start[AUTHOR], 0)) != 0 \
      && (pick & BEFORE_START(start[AUTHOR]) & ~mem[AUTHOR]) != 0); \
    printf("MODEL node %d receives %x\n", h, pick); \
    mem[h] = mem[h] | pick; left = 0; pick = 0; \
    if :: h == OBSERVER -> keep(h) :: else fi }

#define RECEIPT(h) (RECEIPTABLE(h) & ~receipted[h]) != 0 -> \
  printf("MODEL node %d gives a receipt for %x while its disk holds %x\n", h, RECEIPTABLE(h), disk[h]); \
  check_receipt(h); \
  receipted[h] = receipted[h] | RECEIPTABLE(h); \
  remember_receipt(h); \
  HAPPENS(2, true)
inline check_receipt(h) {
#ifndef P3_UNCHECKED
  P3_a_receipt_means_durable = ((RECEIPTABLE(h) & ~disk[h]) == 0);
  assert(P3_a_receipt_means_durable)
#else
  skip
#endif
}
inline remember_receipt(h) {
#if defined(SENT_BY_OLD_RECEIPTS) || defined(WITNESS)
  old_receipts[h] = old_receipts[h] | receipted[h]
#else
  skip
#endif
}

/* A start asks a holder for its durable vector, again and again, and commits what it adopts: an adoption that a crash
 * takes back is one that has not happened. `h - 1` is the holder's bit in `answered`. */
#define ASK(p, h) RUNS(p) && (ADOPTABLE(p, h) != 0 || (answered[p] & (h - 1)) == 0) -> \
  printf("MODEL node %d asks node %d, which holds %x\n", p, h, disk[h]); \
  HAPPENS(1, author_rolled_back && !twin && (ADOPTABLE(p, h) & BEFORE_START(start[p])) != 0); \
  answered[p] = answered[p] | (h - 1); \
  if :: ADOPTABLE(p, h) != 0 -> mem[p] = mem[p] | ADOPTABLE(p, h); keep(p) :: else fi; \
  after_answers(p)

/* LINK names the old incarnations as this start knows them, from the first answer on. */
#define LINK(p) RUNS(p) && !linked[p] && answered[p] != 0 && ROOM(p) -> \
  linked[p] = true; \
  answered[p] = 3; /* from here on only what can be adopted counts */ \
  sign_link(p)
inline sign_link(p) {
#ifdef LINK_IS_FINAL
  if
  :: link_slot == 0 -> link_named = mem[p]; sign(p); link_slot = mem[p] & ~link_named
  :: else -> sign(p)
  fi
#else
  sign(p)
#endif
}

/* The process ends and starts anew on its disk. The time in between is left out: a node that is down does nothing. */
#define CRASH(n) RUNS(n) && crashes < CRASHES -> \
  crashes++; \
  printf("MODEL node %d crashes; its disk holds %x\n", n, disk[n]); \
  mem[n] = disk[n]; \
  check_after_crash(n); \
  if :: IS_AUTHOR(n) -> begin(n, false) :: else fi

#define RESTORE(n) RUNS(n) && restores < RESTORES && image[n] != 0 -> \
  choose_image(n); \
  d_step { \
    restores++; \
    printf("MODEL node %d is restored from %x to %x\n", n, disk[n], kept); \
    note_rolled_back(n); \
    disk[n] = kept; mem[n] = kept; receipted[n] = receipted[n] & kept; kept = 0; \
    forget_images(); \
    if :: IS_AUTHOR(n) -> author_rolled_back = true; begin(n, true) :: else fi }

inline note_rolled_back(n) {
#ifdef WITNESS
  HAPPENS(8, n == AUTHOR && (disk[AUTHOR] & ~kept & rolled_back) != 0);
  if
  :: n == AUTHOR -> rolled_back = rolled_back | (disk[AUTHOR] & ~kept & (receipted[PEER] | receipted[OBSERVER]))
  :: else
  fi
#else
  skip
#endif
}

#define CLONE() CLONES > 0 && !twin -> \
  choose_image(AUTHOR); \
  d_step { \
    twin = true; \
    image[TWIN] = image[AUTHOR]; disk[TWIN] = kept; mem[TWIN] = kept; kept = 0; \
    forget_images(); \
    begin_clone() }
inline begin_clone() {
#ifdef RESUMED_MEMORY_IMAGE
  disk[TWIN] = disk[AUTHOR];
  mem[TWIN] = mem[AUTHOR];
  start[TWIN] = start[AUTHOR];
  answered[TWIN] = answered[AUTHOR];
  linked[TWIN] = linked[AUTHOR];
  printf("MODEL node 1 is a memory image of node 0 and runs on in incarnation %d\n", start[TWIN])
#else
  begin(TWIN, true)
#endif
}

/* In the calm an author brings a holder up to what it has itself. */
#define BRING(p, h) RUNS(p) && (MISSING(p, h) & ~REFUSED(h)) != 0 -> \
  mem[h] = mem[h] | (MISSING(p, h) & ~REFUSED(h)); \
  printf("MODEL node %d brings node %d up to %x\n", p, h, mem[h])

/* The calm: no more faults, nothing more is said, what was in flight is lost, and the rest settles. It is looked at
 * from every state of the troubled time. By default its steps come in one fixed sequence: each of them only adds to
 * a set, so that the sequence does not matter. With EVERY_SETTLING all sequences are tried. */
#ifdef EVERY_SETTLING
#define STEP(step) d_step { step }
#define SETTLING
#else
#define STEP(step) step
#define SETTLING d_step
#endif

init {
  linked[AUTHOR] = true;
  answered[AUTHOR] = 3;
  do
  :: d_step { SAY(AUTHOR) }
  :: d_step { SAY(TWIN) }
  :: d_step { COMMIT(AUTHOR) }
  :: d_step { COMMIT(TWIN) }
  :: d_step { COMMIT(PEER) }
  :: atomic { DELIVER(PEER) }
  :: atomic { DELIVER(OBSERVER) }
  :: d_step { RECEIPT(PEER) }
  :: d_step { ASK(AUTHOR, PEER) }
  :: d_step { ASK(AUTHOR, OBSERVER) }
  :: d_step { ASK(TWIN, PEER) }
  :: d_step { ASK(TWIN, OBSERVER) }
  :: d_step { LINK(AUTHOR) }
  :: d_step { LINK(TWIN) }
  :: d_step { CRASH(AUTHOR) }
  :: d_step { CRASH(TWIN) }
  :: d_step { CRASH(PEER) }
  :: atomic { RESTORE(AUTHOR) }
  :: atomic { RESTORE(TWIN) }
  :: atomic { RESTORE(PEER) }
  :: atomic { RESTORE(OBSERVER) }
  :: atomic { CLONE() }
  :: SETTLING {
       printf("MODEL calm\n");
       lose_in_flight();
       do
       :: STEP(ASK(AUTHOR, PEER))
       :: STEP(ASK(AUTHOR, OBSERVER))
       :: STEP(ASK(TWIN, PEER))
       :: STEP(ASK(TWIN, OBSERVER))
       :: STEP(answered[AUTHOR] == 3 && LINK(AUTHOR))
       :: STEP(answered[TWIN] == 3 && LINK(TWIN))
       :: STEP(COMMIT(AUTHOR))
       :: STEP(COMMIT(TWIN))
       :: STEP(COMMIT(PEER))
       :: STEP(COMMIT(OBSERVER))
       :: STEP(BRING(AUTHOR, PEER))
       :: STEP(BRING(AUTHOR, OBSERVER))
       :: STEP(BRING(TWIN, PEER))
       :: STEP(BRING(TWIN, OBSERVER))
       :: else -> break
       od;
       check_quiet()
     };
     break
  od
}
