#!/usr/bin/env bash
# Check the models: each good model must hold within every set of bounds, each broken variant must fail with
# the assertion named for it, and each reachability question must be answered "it happens".
#
#   run.sh            all bounds: about five minutes on one free core, 1.5 GB of memory at most
#   run.sh --quick    a sample of the bounds, every variant, every question: under a minute
#   run.sh --trail RECEIPT_BEFORE_DURABLE      a variant's shortest counterexample, step by step
#
# Exit: 0 all as expected; 1 not; 2 wrong use; 3 spin or gcc is missing.
set -euo pipefail

for tool in spin gcc; do
  if ! command -v "$tool" > /dev/null; then
    echo "keepclear: $tool is missing: the model was NOT checked" >&2
    echo "hint: apt-get install spin gcc" >&2
    exit 3
  fi
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memory_mb=1500   # a run that needs more is not exhaustive and fails
depth=20000      # steps of one run; the longest seen is below 200

# Of logbook.pml: entries crashes restores clones, and what else is switched on. Of another: its name, and switches.
quick_bounds=(
  "2 1 1 0"
  "1 0 1 1"
  "1 0 1 1 UNDURABLE_FLASH"
  "1 0 1 1 EVERY_SETTLING"
  "twins STARTS=2 RESTORES=1"
  "resumed SLOTS=3 COPIES=2"
  "resumed SLOTS=3 COPIES=1"
  "keys TIMERS=1"
)
full_bounds=(
  "3 1 1 0"
  "2 2 1 0"
  "2 1 2 0"
  "1 2 2 0"
  "1 1 1 1"
  "2 0 1 1"
  "1 0 2 1"
  "2 1 0 1"
  "2 1 1 0 UNDURABLE_FLASH"
  "2 0 1 1 UNDURABLE_FLASH"
  "2 1 1 0 EVERY_SETTLING"
  "1 0 1 1 EVERY_SETTLING"
  "twins STARTS=3 RESTORES=0"
  "twins STARTS=2 RESTORES=2"
  "twins STARTS=3 RESTORES=1"
  "resumed SLOTS=3 COPIES=2"
  "resumed SLOTS=3 COPIES=1"
  "keys TIMERS=3"
  "keys TIMERS=6"
)

# name | the assertion that must fail | bounds and switches
variants=(
  "RECEIPT_BEFORE_DURABLE|P3_a_receipt_means_durable|2 1 1 0 RECEIPT_BEFORE_DURABLE"
  "RECEIPT_BEFORE_DURABLE_LOSES|P2_no_receipted_entry_is_lost|2 1 1 0 RECEIPT_BEFORE_DURABLE P3_UNCHECKED"
  "SAME_INCARNATION_AFTER_RESTORE|P1_one_content_in_one_slot|2 1 1 0 SAME_INCARNATION_AFTER_RESTORE"
  "RETURN_TO_OLD_ONCE_CONFIRMED_BY_ONE|P1_one_content_in_one_slot|2 1 1 0 RETURN_TO_OLD_ONCE_CONFIRMED=1"
  "RETURN_TO_OLD_ONCE_CONFIRMED_BY_ALL|P1_one_content_in_one_slot|2 1 1 0 RETURN_TO_OLD_ONCE_CONFIRMED=2"
  "RETURN_TO_OLD_WITH_NOTHING_IN_FLIGHT|P1_one_content_in_one_slot|2 0 1 0 RETURN_TO_OLD_ONCE_CONFIRMED=2 NOTHING_IN_FLIGHT"
  "INCARNATION_FROM_DISK_RESTORED|P1_one_content_in_one_slot|2 1 1 0 INCARNATION_FROM_DISK"
  "INCARNATION_FROM_DISK_CLONED|P1_one_content_in_one_slot|2 0 0 1 INCARNATION_FROM_DISK"
  "NO_ADOPTION|P4_all_copies_are_equal|2 1 1 0 NO_ADOPTION"
  "SENT_BY_OLD_RECEIPTS|P4_all_copies_are_equal|2 1 1 0 SENT_BY_OLD_RECEIPTS"
  "LINK_IS_FINAL|P4_all_copies_are_equal|2 1 1 0 LINK_IS_FINAL"
  "SEND_BEFORE_DURABLE|P5_a_crash_takes_back_nothing_said|2 1 0 0 UNDURABLE_FLASH"
  "RESUMED_MEMORY_IMAGE|P1_one_content_in_one_slot|2 0 0 1 RESUMED_MEMORY_IMAGE"
  "TOLD_BY_NUMBER|C1_who_is_told_of_were_two|twins STARTS=3 RESTORES=1 TOLD_BY_NUMBER"
  "TOLD_BY_ONE_LINK|C1_who_is_told_of_were_two|twins STARTS=3 RESTORES=0 TOLD_BY_ONE_LINK"
  "LINK_ONCE|C2_two_that_were_answered_are_told_of|twins STARTS=2 RESTORES=0 LINK_ONCE"
  "NO_ADOPTION_BY_A_TWIN|C2_two_that_were_answered_are_told_of|twins STARTS=2 RESTORES=0 NO_ADOPTION"
  "SAME_INCARNATION_IS_NOT_TOLD|C2_two_that_were_answered_are_told_of|twins STARTS=2 RESTORES=1 SAME_INCARNATION_AFTER_RESTORE"
  "TAKES_UP_WHAT_IT_HAS_NOT_SAID|R1_two_that_are_heard_are_noticed|resumed TAKES_IT_UP"
  "ENDED_BY_A_CLAIM|R2_a_process_alone_is_never_ended|resumed COPIES=1 ENDED_BY_A_CLAIM"
  "SIGNS_AFTER_ITS_END|R3_who_has_ended_signs_nothing|resumed SIGNS_AFTER_ITS_END"
  "A_KEY_ANSWERS_A_KEY|S1_no_answer_is_answered_for_ever|keys TIMERS=2 A_KEY_ANSWERS_A_KEY"
  "A_KEY_AGAIN_IS_DROPPED|S2_in_the_end_both_have_the_session|keys TIMERS=2 A_KEY_AGAIN_IS_DROPPED"
)

# number | the question | bounds
questions=(
  "1|a restored author adopts its old entries from a holder|2 1 1 0"
  "2|a receipt is given|1 0 0 0"
  "3|an old entry reaches a holder after the LINK that did not know it|1 0 1 0"
  "4|an author and its clone both sign, each in its own incarnation|2 0 0 1"
  "5|with every holder rolled back, a receipted entry is gone for good|1 0 2 0"
  "6|a receipted entry that a restore took from its author is back in the end|2 0 1 0"
  "7|a crash takes what was signed and not sent, and leaves what was sent|2 1 0 0"
  "8|an adopted entry is rolled back a second time|1 0 2 0"
  "1|a peer is told of two copies at work|twins STARTS=2 RESTORES=0"
  "2|one of two copies is told of the other|twins STARTS=2 RESTORES=0"
  "3|a disk is put back and started again, and nobody is told of two|twins STARTS=3 RESTORES=1"
  "1|both that resumed from one memory sign one slot|resumed SLOTS=3"
  "2|a peer claims that a process was put back, and it goes on|resumed COPIES=1"
  "3|of two that resumed from one memory one ends and the other goes on|resumed SLOTS=3"
  "4|neither has ended, and who holds what both signed has the evidence|resumed SLOTS=3"
  "1|a KEY comes again to an end whose session is in use|keys TIMERS=2"
)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# build "E C R K SWITCH..." or "MODEL SWITCH..." compiler-flags...: a model within these bounds, as ./pan
build() {
  local words defines=() word
  read -r -a words <<< "$1"
  shift
  model=logbook
  if [[ ${words[0]} =~ ^[0-9]+$ ]]; then
    words=("ENTRIES=${words[0]}" "CRASHES=${words[1]}" "RESTORES=${words[2]}" "CLONES=${words[3]}" "${words[@]:4}")
  else
    model=${words[0]}
    words=("${words[@]:1}")
  fi
  for word in "${words[@]}"; do defines+=("-D$word"); done
  rm -f pan pan.* ./*.trail
  cp "$here/$model.pml" .
  spin "${defines[@]}" -a "$model.pml" > spin.out 2>&1 || { cat spin.out >&2; return 1; }
  gcc -DSAFETY -DNOREDUCE -DMEMLIM=$memory_mb "$@" -o pan pan.c 2> gcc.out || { cat gcc.out >&2; return 1; }
}

# The search is exhaustive only if pan says nothing of a limit reached.
exhaustive() { ! grep -q -E "not completed|too small|MEMLIM|out of memory|aborting" pan.out; }
states() { sed -n -E 's/^ *([0-9.e+]+) states, stored.*/\1/p' pan.out; }
failed_assertion() { sed -n -E 's/^pan:1: assertion violated ([A-Za-z0-9_]+).*/\1/p' pan.out; }

wrong=0
verdict() { # what, states, seconds, verdict, whether it is as expected (0)
  [ "$5" -eq 0 ] || wrong=1
  printf '%-80s %9s states %4s s  %s%s\n' "$1" "$2" "$3" "$4" "$([ "$5" -eq 0 ] || echo '  <== NOT AS EXPECTED')"
}

failures=""
declare -A seen=([logbook]=0 [twins]=0 [resumed]=0 [keys]=0)   # states, by model
durable_states=0   # of the logbook's runs in which nothing is sent undurable: P5 is asserted in these only
check_good() {
  local began=$SECONDS bounds=$1 text=holds as_expected=0
  build "$bounds" "$optimise"
  ./pan -m$depth -w$hash_bits > pan.out 2>&1 || true
  if ! grep -q "errors: 0" pan.out; then
    failures+=" $(failed_assertion)"
    text="FAILS: $(failed_assertion)" as_expected=1
  elif ! exhaustive; then
    text="not exhaustive" as_expected=1
  else
    seen[$model]=$((seen[$model] + $(states)))
    [[ $model != logbook || $bounds == *UNDURABLE* ]] || durable_states=$((durable_states + $(states)))
  fi
  if [ "$model" = logbook ]; then
    read -r -a word <<< "$bounds"
    bounds="entries ${word[0]}, crashes ${word[1]}, restores ${word[2]}, clones ${word[3]} ${word[4]:-}"
  fi
  verdict "good: $bounds" "$(states)" $((SECONDS - began)) "$text" $as_expected
}

# Breadth first, so that the counterexample is a shortest one.
check_fails() { # what, assertion, bounds and switches
  local began=$SECONDS found as_expected=0
  build "$3" -O0 -DBFS
  ./pan -m$depth -w20 > pan.out 2>&1 || true
  found=$(failed_assertion)
  [ "$found" = "$2" ] || as_expected=1
  verdict "$1" "$(states)" $((SECONDS - began)) "${found:-nothing fails}$4" $as_expected
}

show_trail() {
  local row name assertion bounds names
  for row in "${variants[@]}"; do
    IFS='|' read -r name assertion bounds <<< "$row"
    if [ "$name" = "$1" ]; then
      build "$bounds VARIANT" -O0 -DBFS
      ./pan -m$depth > pan.out 2>&1 || true
      names=""
      [ "$model" != logbook ] || names='s/node 0/author/g; s/node 1/clone/g; s/node 2/peer/g; s/node 3/observer/g'
      ./pan -r 2>&1 | sed -n -e "$names" -e 's/^MODEL //p'
      echo "=> $(failed_assertion) fails"
      return
    fi
  done
  echo "keepclear: no variant is called $1" >&2
  echo "hint: one of ${variants[*]%%|*}" >&2
  exit 2
}

case "${1:-}" in
  "") bounds=("${full_bounds[@]}") optimise=-O2 hash_bits=24 ;;
  --quick) bounds=("${quick_bounds[@]}") optimise=-O0 hash_bits=20 ;; # compiling takes longer than searching
  --trail) show_trail "${2:-}"; exit 0 ;;
  *) echo "keepclear: $1 is no choice of run.sh" >&2; echo "hint: run.sh [--quick | --trail VARIANT]" >&2; exit 2 ;;
esac

for row in "${bounds[@]}"; do check_good "$row"; done
property() { # "P1 what it says", states it was asked of
  local text="holds in every run above" as_expected=0
  if [[ $failures == *"${1%% *}_"* ]]; then
    text="FAILS" as_expected=1
  elif [ $wrong -ne 0 ]; then
    text="not checked in every run above" as_expected=1
  fi
  verdict "$1" "$2" $SECONDS "$text" $as_expected
}
property "P1 one content in one slot" ${seen[logbook]}
property "P2 no receipted entry is lost while one holder of it stands" ${seen[logbook]}
property "P3 a receipt means durable" ${seen[logbook]}
property "P4 in the end all starts are reconciled and all copies are equal" ${seen[logbook]}
property "P5 without a restore, a crash takes back nothing that was said" $durable_states
property "C1 who is told of as two copies were two" ${seen[twins]}
property "C2 two that are at work and were answered are told of, at both and at the peer" ${seen[twins]}
property "R1 two that resumed from one memory and are both heard are noticed" ${seen[resumed]}
property "R2 a process that was never copied is never ended, whatever a peer claims" ${seen[resumed]}
property "R3 who has ended signs nothing" ${seen[resumed]}
property "S1 no answer is answered for ever" ${seen[keys]}
property "S2 in the end both have the session" ${seen[keys]}
for row in "${variants[@]}"; do
  IFS='|' read -r name assertion setting <<< "$row"
  check_fails "variant: $name" "$assertion" "$setting VARIANT" " fails, as it must"
done
for row in "${questions[@]}"; do
  IFS='|' read -r number question setting <<< "$row"
  check_fails "happens: $question" witnessed "$setting WITNESS=$number" ""
done

if [ $wrong -ne 0 ]; then
  echo "keepclear: the model is not as expected; see the lines marked above" >&2
  exit 1
fi
echo "all as expected, $SECONDS s"
