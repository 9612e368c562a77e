/*
 * twins.pml: two computers with one member's key and disk, and who is told that there are two.
 *
 * The law of this file: a process signs in the incarnation of its own start, and its LINK names the other starts of
 * its party that it knows of. Two starts whose LINKs name each other were at work at the same time, and that is told
 * by everybody who holds both LINKs. What is told is never wrong, whatever is restored, lost or late; and two that
 * are at work, each with a session, are told of. Contents and forks are the business of logbook.pml.
 */

#ifndef STARTS
#define STARTS 4 /* of processes, on both computers together */
#endif
#ifndef RESTORES
#define RESTORES 1 /* of a disk; more of them, and crashes, are starts */
#endif

/* Nodes: two computers of one member, and another member. */
#define ONE 0
#define OTHER 1
#define PEER 2
#define BIT(s) (1 << (s))
#define NONE 7

byte runs[2] = { NONE, NONE }; /* the start whose process is at work on a computer */
byte knows[3];   /* starts of which a node holds an entry; on its disk as well: what is not there is not known */
byte was[3];     /* all that a disk has ever held: a restore takes any part of it */
byte named[STARTS];  /* what the newest LINK of a start names, as it was signed and sent; 0: none */
byte link[3 * STARTS]; /* the newest LINK of each start that a node holds */
byte beside[STARTS]; /* which starts were at work beside a start, after both had begun: the truth */
byte told[3];        /* of which starts a node has been told that they are one of two */
#ifdef TOLD_BY_NUMBER
byte number[STARTS]; /* highest known and one: a hint only */
#endif
byte starts, restores;
bool asked[2];    /* this process has been answered */
bool said[STARTS]; /* this start has said something, and it has left */
byte s, t, n;     /* scratch */

bool C1_who_is_told_of_were_two = true;
bool C2_two_that_were_answered_are_told_of = true;
bool witnessed = true;
#ifdef WITNESS
#define HAPPENS(q, what) if :: WITNESS == q && (what) -> witnessed = 0; assert(witnessed) :: else fi
#else
#define HAPPENS(q, what) skip
#endif

#define LINK(node, start) link[(node) * STARTS + (start)]
#define RUNS(c) (runs[c] != NONE)
#define OWN(c) BIT(runs[c])

/* What makes two starts two at work: that each knows of the other. */
#define NAME_EACH_OTHER(node, a, b) ((LINK(node, a) & BIT(b)) != 0 && (LINK(node, b) & BIT(a)) != 0)
#ifdef TOLD_BY_ONE_LINK
#define TWO(node, a, b) (NAME_EACH_OTHER(node, a, b) || (LINK(node, a) != 0 && LINK(node, b) != 0 && (LINK(node, a) & BIT(b)) == 0 && (LINK(node, b) & BIT(a)) == 0))
#else
#define TWO(node, a, b) NAME_EACH_OTHER(node, a, b)
#endif

inline tell(node, a, b) {
  printf("MODEL node %d is told: starts %d and %d were both at work\n", node, a, b);
  C1_who_is_told_of_were_two = ((beside[a] & BIT(b)) != 0);
  assert(C1_who_is_told_of_were_two);
  told[node] = told[node] | BIT(a) | BIT(b);
  HAPPENS(1, node == PEER);
  HAPPENS(2, node == OTHER)
}

/* A node looks at a start's LINK, which is new to it, beside all that it holds. */
inline look(node, a) {
  t = 0;
  do
  :: t < starts ->
    if
    :: t != a && TWO(node, a, t) && (told[node] & BIT(a)) * (told[node] & BIT(t)) == 0 -> tell(node, a, t)
    :: else
    fi;
    t++
  :: else -> break
  od;
  t = 0
}

inline keep(node, set) { knows[node] = knows[node] | (set); was[node] = was[node] | knows[node] }

/* ---- Steps ---- */

/* A process begins on a computer; the one before it there, if any, has ended. */
#define START(c) starts < STARTS && (c == ONE || was[c] != 0) -> begin(c)
inline begin(c) {
  s = starts;
#ifdef SAME_INCARNATION_AFTER_RESTORE
  if
  :: restores > 0 && knows[c] != 0 -> s = 0; do :: (knows[c] & BIT(s)) == 0 -> s++ :: else -> break od
  :: else
  fi;
#endif
  starts = (s == starts -> starts + 1 : starts);
  runs[c] = s;
  asked[c] = false;
  number_it(c);
  if
  :: RUNS(1 - c) && runs[1 - c] != s ->
    beside[s] = beside[s] | OWN(1 - c);
    beside[runs[1 - c]] = beside[runs[1 - c]] | BIT(s)
  :: else
  fi;
  keep(c, BIT(s));
  printf("MODEL computer %d: start %d, of which it knows %x\n", c, s, knows[c]);
  s = 0
}
inline number_it(c) {
#ifdef TOLD_BY_NUMBER
  do :: (knows[c] >> number[s]) != 0 -> number[s]++ :: else -> break od
#else
  skip
#endif
}

/* A process ends and nothing begins there for now. */
#define END(c) RUNS(c) -> runs[c] = NONE; printf("MODEL computer %d ends\n", c)

/* The first computer's disk is copied, as it is, to the other. */
#define COPY() was[OTHER] == 0 && was[ONE] != 0 -> \
  knows[OTHER] = knows[ONE]; was[OTHER] = was[ONE]; copy_links(); printf("MODEL the disk is copied\n")
inline copy_links() {
  do :: s < STARTS -> LINK(OTHER, s) = LINK(ONE, s); s++ :: else -> break od; s = 0;
  told[OTHER] = told[ONE]
}

/* A disk is put back to any part of what it ever held, while no process is at work on it. */
#define RESTORE(c) !RUNS(c) && restores < RESTORES && was[c] != 0 -> restore(c)
inline restore(c) {
  restores++;
  knows[c] = 0;
  do
  :: s < starts && (was[c] & BIT(s)) != 0 ->
    if
    :: LINK(c, s) = 0
    :: knows[c] = knows[c] | BIT(s); LINK(c, s) = 0
    :: knows[c] = knows[c] | BIT(s)
    fi;
    s++
  :: s < starts && (was[c] & BIT(s)) == 0 -> s++
  :: else -> break
  od;
  s = 0;
  told[c] = 0;
  printf("MODEL computer %d is put back to %x\n", c, knows[c])
}

/* A start's first entry leaves. */
#define SAY(c) RUNS(c) && !said[runs[c]] -> said[runs[c]] = true; printf("MODEL start %d says something\n", runs[c])

/* Something that a start has said reaches a node, sooner or later. A process takes up what is signed with its own key. */
#define HEAR(node, a) a < starts && said[a] && (node == PEER || RUNS(node)) && (knows[node] & BIT(a)) == 0 && TAKES(node) -> \
  keep(node, BIT(a)); printf("MODEL node %d holds something of start %d\n", node, a)
#ifdef NO_ADOPTION
#define TAKES(node) (node == PEER)
#else
#define TAKES(node) true
#endif

/* A process asks the peer, and takes up what it is answered; sessions go to one computer, then to the other. */
#define ASK(c) RUNS(c) && (!asked[c] || MORE(c) != 0) -> asked[c] = true; keep(c, MORE(c)); printf("MODEL computer %d is answered, knows %x\n", c, knows[c])
#ifdef NO_ADOPTION
#define MORE(c) 0
#else
#define MORE(c) (knows[PEER] & ~knows[c])
#endif

/* A process says its LINK once it has been answered, and again when it has come to know of more. */
#define OTHERS(c) (knows[c] & ~OWN(c))
#ifdef LINK_ONCE
#define DUE(c) (named[runs[c]] == 0)
#else
#define DUE(c) (named[runs[c]] != (OTHERS(c) | OWN(c)))
#endif
/* A LINK names its own start here as well, so that one that names no other is still one. */
#define SAY_LINK(c) RUNS(c) && asked[c] && DUE(c) -> say_link(c)
inline say_link(c) {
  s = runs[c];
  named[s] = OTHERS(c) | OWN(c);
  said[s] = true;
  LINK(c, s) = named[s];
  printf("MODEL start %d says a LINK that names %x\n", s, named[s]);
  look(c, s);
  s = 0
}

/* A start's newest LINK reaches a node; an older one would name less. */
#define TAKE_LINK(node, a) a < starts && named[a] != 0 && LINK(node, a) != named[a] && (node == PEER || RUNS(node)) && TAKES(node) -> take_link(node, a)
inline take_link(node, a) {
  LINK(node, a) = named[a];
  keep(node, BIT(a));
  look_by_number(node, a);
  look(node, a)
}
inline look_by_number(node, a) {
#ifdef TOLD_BY_NUMBER
  /* "older than one already heard": told by the number of a start alone */
  t = 0;
  do
  :: t < starts -> if :: t != a && LINK(node, t) != 0 && number[a] < number[t] && LINK(node, a) == named[a] && a > t -> tell(node, a, t) :: else fi; t++
  :: else -> break
  od;
  t = 0
#else
  skip
#endif
}

inline check_quiet() {
  if
  :: RUNS(ONE) && RUNS(OTHER) ->
    n = OWN(ONE) | OWN(OTHER);
    printf("MODEL quiet: told %x %x %x of %x\n", told[ONE], told[OTHER], told[PEER], n);
    C2_two_that_were_answered_are_told_of = ((told[PEER] & n) == n && (told[ONE] & n) == n && (told[OTHER] & n) == n);
    assert(C2_two_that_were_answered_are_told_of);
    n = 0
  :: else -> HAPPENS(3, restores > 0 && starts > 2 && told[PEER] == 0 && was[OTHER] == 0)
  fi
}

#define EACH(step, node) :: d_step { step(node, 0) } :: d_step { step(node, 1) } :: d_step { step(node, 2) } :: d_step { step(node, 3) }

init {
  do
  :: d_step { START(ONE) }
  :: d_step { START(OTHER) }
  :: d_step { END(ONE) }
  :: d_step { END(OTHER) }
  :: d_step { COPY() }
  :: atomic { RESTORE(ONE) }
  :: atomic { RESTORE(OTHER) }
  :: d_step { SAY(ONE) }
  :: d_step { SAY(OTHER) }
  EACH(HEAR, PEER)
  EACH(HEAR, ONE)
  EACH(HEAR, OTHER)
  :: d_step { ASK(ONE) }
  :: d_step { ASK(OTHER) }
  :: d_step { SAY_LINK(ONE) }
  :: d_step { SAY_LINK(OTHER) }
  EACH(TAKE_LINK, PEER)
  EACH(TAKE_LINK, ONE)
  EACH(TAKE_LINK, OTHER)
  :: d_step {
       printf("MODEL calm\n");
       do
       :: ASK(ONE)
       :: ASK(OTHER)
       :: SAY_LINK(ONE)
       :: SAY_LINK(OTHER)
       :: TAKE_LINK(PEER, 0)
       :: TAKE_LINK(PEER, 1)
       :: TAKE_LINK(PEER, 2)
       :: TAKE_LINK(PEER, 3)
       :: TAKE_LINK(ONE, 0)
       :: TAKE_LINK(ONE, 1)
       :: TAKE_LINK(ONE, 2)
       :: TAKE_LINK(ONE, 3)
       :: TAKE_LINK(OTHER, 0)
       :: TAKE_LINK(OTHER, 1)
       :: TAKE_LINK(OTHER, 2)
       :: TAKE_LINK(OTHER, 3)
       :: else -> break
       od;
       check_quiet()
     };
     break
  od
}
