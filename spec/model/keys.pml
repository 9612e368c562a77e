/*
 * keys.pml: HELLO, KEY and proof between two ends, and that no answer is answered for ever.
 *
 * The law of this file: what an end says by itself it says by a timer; all else answers what came. A KEY that comes
 * again once the session is in use is answered by a proof alone. So when the timers are still and nothing is lost,
 * the talk ends; and when the timers go on, both ends have the session. One attempt, both offers fresh; in the calm a
 * proof comes before a KEY and a KEY before a HELLO, as what is sent together does. The rest is in session.md.
 */

#ifndef TIMERS
#define TIMERS 3 /* that ring in the troubled time */
#endif
#define MOST 4    /* of each kind on its way; more are lost, as any may be */
#define ANSWERS 60 /* more than what is on its way can give rise to: then it is a talk without an end */
#define MOST_RINGS 6

/* What is on its way to an end. */
byte hello[2], key[2], proof[2];
bool offered[2];   /* its HELLO is of use */
bool candidate[2]; /* has the peer's HELLO, and has made its KEY */
bool opens[2];     /* has the peer's KEY */
bool in_use[2];    /* has opened something of the peer's */
byte rings, answers;
bool calm;

bool S1_no_answer_is_answered_for_ever = true;
bool S2_in_the_end_both_have_the_session = true;
bool witnessed = true;
#ifdef WITNESS
#define HAPPENS(q, what) if :: WITNESS == q && (what) -> witnessed = 0; assert(witnessed) :: else fi
#else
#define HAPPENS(q, what) skip
#endif

#define PUT(kind, to) kind[to] = (kind[to] < MOST -> kind[to] + 1 : MOST)
#define PEER(e) (1 - (e))
inline say_hello(e) { offered[e] = true; PUT(hello, PEER(e)) }
inline say_proof(e) { if :: opens[e] -> PUT(proof, PEER(e)) :: else fi }
inline say_key(e) { PUT(key, PEER(e)); say_proof(e) }
inline answered(e) {
  if
  :: calm ->
    answers++;
    S1_no_answer_is_answered_for_ever = (answers < ANSWERS);
    assert(S1_no_answer_is_answered_for_ever)
  :: else
  fi
}

/* By itself: a HELLO until it has been of use, and a KEY to whom is silent. */
#define RING(e) !in_use[e] -> say_by_itself(e)
inline say_by_itself(e) {
  printf("MODEL end %d says HELLO by itself, and KEY if it can: %d\n", e, candidate[e]);
  say_hello(e);
  if :: candidate[e] -> say_key(e) :: else fi
}

#define HEAR_HELLO(e) hello[e] > 0 -> hello[e]--; hear_hello(e)
inline hear_hello(e) {
  if
  :: in_use[e] /* an old one, as far as anybody can know */
  :: else ->
    printf("MODEL end %d hears HELLO, answers KEY\n", e);
    candidate[e] = true;
    if :: !opens[e] && !offered[e] -> say_hello(e) :: else fi;
    say_key(e);
    answered(e)
  fi
}

#define HEAR_KEY(e) key[e] > 0 -> key[e]--; hear_key(e)
inline hear_key(e) {
  if
  :: in_use[e] -> again(e)
  :: !in_use[e] && offered[e] && candidate[e] && opens[e] -> printf("MODEL end %d hears KEY again, answers KEY\n", e); say_key(e); answered(e)
  :: !in_use[e] && offered[e] && candidate[e] && !opens[e] -> printf("MODEL end %d hears KEY, answers a proof\n", e); opens[e] = true; say_proof(e); answered(e)
  :: else /* to a HELLO that was never offered, or from one that was not heard */
  fi
}
inline again(e) {
  HAPPENS(1, true);
#ifdef A_KEY_ANSWERS_A_KEY
  printf("MODEL end %d hears KEY again, answers KEY\n", e);
  say_key(e);
#endif
#ifdef A_KEY_AGAIN_IS_DROPPED
  printf("MODEL end %d hears KEY again, says nothing\n", e);
#endif
#if !defined(A_KEY_ANSWERS_A_KEY) && !defined(A_KEY_AGAIN_IS_DROPPED)
  say_proof(e);
#endif
  answered(e)
}

#define HEAR_PROOF(e) proof[e] > 0 -> proof[e]--; hear_proof(e)
inline hear_proof(e) {
  if
  :: opens[e] && !in_use[e] ->
    printf("MODEL end %d hears a proof: its session is in use\n", e);
    in_use[e] = true;
    offered[e] = false;
    say_proof(e);
    answered(e)
  :: else
  fi
}

#define LOSE(kind, e) kind[e] > 0 -> kind[e]--
#define AGAIN(kind, e) kind[e] > 0 && kind[e] < 2 -> kind[e]++
#define EACH(step) :: d_step { step(0) } :: d_step { step(1) }
#define HAPPEN(step) :: d_step { step(hello, 0) } :: d_step { step(key, 0) } :: d_step { step(proof, 0) } \
  :: d_step { step(hello, 1) } :: d_step { step(key, 1) } :: d_step { step(proof, 1) }

init {
  say_hello(0);
  say_hello(1);
  do
  :: d_step { rings < TIMERS && !in_use[0] -> rings++; say_by_itself(0) }
  :: d_step { rings < TIMERS && !in_use[1] -> rings++; say_by_itself(1) }
  EACH(HEAR_HELLO)
  EACH(HEAR_KEY)
  EACH(HEAR_PROOF)
  HAPPEN(LOSE)
  HAPPEN(AGAIN)
  :: break
  od;
  skip;
  d_step {
    calm = true;
    printf("MODEL calm\n");
    rings = 0;
    do
    :: HEAR_PROOF(0)
    :: HEAR_PROOF(1)
    :: HEAR_KEY(0)
    :: HEAR_KEY(1)
    :: HEAR_HELLO(0)
    :: HEAR_HELLO(1)
    :: else -> /* the talk is over: has it been of use? If not, a timer rings */
      if
      :: in_use[0] && in_use[1] -> break
      :: else
      fi;
      answers = 0;
      rings++;
      S2_in_the_end_both_have_the_session = (rings < MOST_RINGS);
      assert(S2_in_the_end_both_have_the_session);
      if :: RING(0) :: else fi;
      if :: RING(1) :: else fi
    od
  }
}
