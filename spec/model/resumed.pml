/*
 * resumed.pml: a process whose memory was copied, or put back, and that goes on twice in one incarnation.
 *
 * The law of this file: a process that is brought what carries its own signature, in its present incarnation, and
 * that it has not said, signs nothing more. So of two that go on from one memory and are both heard, one ends when
 * what the other has said comes to it, or whoever holds what both have signed has the evidence; and nobody is ended by
 * what a peer merely claims. That both may sign one slot before that is the limit that logbook.pml shows.
 */

#ifndef SLOTS
#define SLOTS 3 /* of the one incarnation */
#endif
#ifndef COPIES
#define COPIES 2 /* of the process; 1: never copied */
#endif

/* What is in a slot: nothing, what one of the two signed after the copying, or what was signed before it. */
#define EMPTY 0
#define BEFORE 3
byte memory[2 * SLOTS]; /* of each copy */
byte peer[SLOTS];       /* what the peer holds: the first that came */
byte wire[2 * SLOTS];   /* what each copy has sent: it reaches the peer at any time, or in the calm */
byte next[2];
bool works[2], ended[2], spoke[2]; /* spoke: since the copying */
bool copied, lied, disputed;
byte i;

bool R1_two_that_are_heard_are_noticed = true;
bool R2_a_process_alone_is_never_ended = true;
bool R3_who_has_ended_signs_nothing = true;
bool witnessed = true;
#ifdef WITNESS
#define HAPPENS(q, what) if :: WITNESS == q && (what) -> witnessed = 0; assert(witnessed) :: else fi
#else
#define HAPPENS(q, what) skip
#endif
#define MEMORY(c, slot) memory[(c) * SLOTS + (slot)]
#define WIRE(c, slot) wire[(c) * SLOTS + (slot)]

inline end(c) {
  ended[c] = true;
  printf("MODEL copy %d ends\n", c);
  R2_a_process_alone_is_never_ended = copied;
  assert(R2_a_process_alone_is_never_ended)
}

#ifdef SIGNS_AFTER_ITS_END
#define MAY_SIGN(c) true
#else
#define MAY_SIGN(c) !ended[c]
#endif
#define SAY(c) works[c] && MAY_SIGN(c) && next[c] < SLOTS -> say(c)
inline say(c) {
  R3_who_has_ended_signs_nothing = !ended[c];
  assert(R3_who_has_ended_signs_nothing);
  HAPPENS(1, copied && WIRE(1 - c, next[c]) != EMPTY && spoke[1 - c]);
  MEMORY(c, next[c]) = (copied -> c + 1 : BEFORE);
  WIRE(c, next[c]) = MEMORY(c, next[c]);
  spoke[c] = copied;
  printf("MODEL copy %d signs slot %d\n", c, next[c]);
  next[c]++
}

#define COPY() COPIES == 2 && !copied -> \
  copied = true; works[1] = true; next[1] = next[0]; \
  do :: i < SLOTS -> MEMORY(1, i) = MEMORY(0, i); i++ :: else -> break od; \
  i = 0; printf("MODEL the memory is copied\n")

/* What a copy has sent comes to the peer, which keeps the first and has evidence of a second: the line is disputed. */
#define DELIVER(c, slot) slot < SLOTS && WIRE(c, slot) != EMPTY && peer[slot] != WIRE(c, slot) && !disputed -> \
  deliver(c, slot)
inline deliver(c, slot) {
  if
  :: peer[slot] == EMPTY ->
    peer[slot] = WIRE(c, slot);
    printf("MODEL the peer holds slot %d as copy %d signed it\n", slot, c)
  :: else ->
    disputed = true;
    printf("MODEL the peer is brought slot %d as copy %d signed it, too: disputed\n", slot, c)
  fi
}

/* What the peer holds comes to whoever it takes for the author, if that process has nothing in the slot. */
#define COMES_BACK(c, slot) slot < SLOTS && works[c] && !ended[c] && peer[slot] != EMPTY && MEMORY(c, slot) == EMPTY -> \
  back(c, slot)
inline back(c, slot) {
  printf("MODEL copy %d is brought slot %d, which it has not said\n", c, slot);
#ifdef TAKES_IT_UP
  MEMORY(c, slot) = peer[slot]; /* as it does with its older incarnations */
  next[c] = (next[c] > slot -> next[c] : slot + 1)
#else
  end(c)
#endif
}

/* A peer says that it has heard this process later than it is. It may be so, or a lie: it is told, and nothing else. */
#define CLAIM(c) works[c] && !ended[c] && !lied -> lied = true; claim(c)
inline claim(c) {
  printf("MODEL a peer claims to have heard copy %d later than it is\n", c);
#ifdef ENDED_BY_A_CLAIM
  end(c)
#else
  HAPPENS(2, true)
#endif
}

inline check_quiet() {
  printf("MODEL quiet: ended %d %d, spoke since %d %d\n", ended[0], ended[1], spoke[0], spoke[1]);
  HAPPENS(3, copied && ended[0] && !ended[1] && next[1] == SLOTS);
  HAPPENS(4, disputed && !ended[0] && !ended[1]);
  R1_two_that_are_heard_are_noticed = (!(spoke[0] && spoke[1]) || ended[0] || ended[1] || disputed);
  assert(R1_two_that_are_heard_are_noticed)
}

#define BOTH(step, slot) :: d_step { step(0, slot) } :: d_step { step(1, slot) }
#define SETTLES(step, slot) :: step(0, slot) :: step(1, slot)

init {
  works[0] = true;
  do
  :: d_step { SAY(0) }
  :: d_step { SAY(1) }
  :: d_step { COPY() }
  :: d_step { CLAIM(0) }
  :: d_step { CLAIM(1) }
  BOTH(DELIVER, 0)
  BOTH(DELIVER, 1)
  BOTH(DELIVER, 2)
  BOTH(COMES_BACK, 0)
  BOTH(COMES_BACK, 1)
  BOTH(COMES_BACK, 2)
  :: d_step {
       do
       SETTLES(DELIVER, 0)
       SETTLES(DELIVER, 1)
       SETTLES(DELIVER, 2)
       SETTLES(COMES_BACK, 0)
       SETTLES(COMES_BACK, 1)
       SETTLES(COMES_BACK, 2)
       :: else -> break
       od;
       check_quiet()
     };
     break
  od
}
