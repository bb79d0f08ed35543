"""Known ways to get the box around scripts wrong, each with the tests that must notice."""

from tests.mutants.catalogue import Mutant

HARDENING = "worker/sandbox/hardening.py"
CHILD = "tests/integration/hooks/test_child.py"
RUNNER = "tests/integration/hooks/test_runner.py"
ROUNDS = f"{RUNNER}::test_a_failing_hook_has_a_name_and_others_do_not_notice"
FILTER = "tests/unit/sandbox/test_hardening.py"
POOL = "tests/unit/hooks/test_pool.py"
PROGRAMS = "tests/unit/sandbox/test_programs.py"

SANDBOX_MUTANTS = (
    Mutant(
        "a script is never asked whether its time is over",
        (("worker/sandbox/engine.py", "check_cancelled=self._watch.is_late", "check_cancelled=lambda: False"),),
        (ROUNDS,),
        is_quick=False,
    ),
    Mutant(
        "the kernel does not end native code that is late",
        (
            ("worker/sandbox/watch.py", "    signal.setitimer(signal.ITIMER_PROF, cpu_s)\n", ""),
            ("worker/sandbox/watch.py", "signal.setitimer(signal.ITIMER_REAL, wall_s)", "del cpu_s, wall_s"),
        ),
        (f"{CHILD}::test_the_kernel_kills_what_never_asks_for_the_time",),
        is_quick=False,
    ),
    Mutant(
        "the daemon does not end a child that is late",
        (("worker/hooks/child.py", "        self._is_overdue = True\n        self._kill()\n", "        return\n"),),
        (f"{CHILD}::test_the_parents_own_deadline_kills_what_the_kernel_timer_did_not",),
        is_quick=False,
    ),
    Mutant(
        "a child may open files",
        (
            (HARDENING, "    *(0, 1, 202,", "    *(257, 0, 1, 202,"),
            (HARDENING, "    *(63, 64, 98,", "    *(56, 63, 64, 98,"),
        ),
        (FILTER,),
    ),
    Mutant(
        "a system call that is not listed is allowed",
        ((HARDENING, "code.append((RETURN, 0, 0, RET_EPERM))", "code.append((RETURN, 0, 0, RET_ALLOW))"),),
        (FILTER,),
    ),
    Mutant(
        "a child may ask for memory that runs",
        ((HARDENING, "(JUMP_BITS, 0, 1, PROT_EXEC)", "(JUMP_BITS, 0, 1, 0)"),),
        (FILTER,),
    ),
    Mutant(
        "a child may have all memory there is",
        ((HARDENING, "resource.setrlimit(resource.RLIMIT_AS, (size, size))", "del size"),),
        (f"{CHILD}::test_nothing_outside_can_be_reached_after_hardening",),
        is_quick=False,
    ),
    Mutant(
        "a child outlives its daemon",
        ((HARDENING, "_prctl(libc, PR_SET_PDEATHSIG, signal.SIGKILL)", "None"),),
        (f"{CHILD}::test_a_child_in_the_middle_of_a_script_dies_with_its_daemon",),
        is_quick=False,
    ),
    Mutant(
        "a child inherits what the daemon's surroundings say",
        (("worker/hooks/child.py", "        env={},\n", ""),),
        (f"{CHILD}::test_a_child_has_no_environment_three_descriptors_and_its_own_session",),
        is_quick=False,
    ),
    Mutant(
        "a child may say as much as it likes",
        (("worker/hooks/child.py", "size > MAX_REPLY or ", ""),),
        (f"{CHILD}::test_a_child_that_lies_is_lost",),
        is_quick=False,
    ),
    Mutant(
        "one tenant's script is run for another",
        (("worker/sandbox/answering.py", 'key = header["key"]', 'key = ""'),),
        (RUNNER,),
        is_quick=False,
    ),
    Mutant(
        "what one call printed is told with the next",
        (("worker/sandbox/engine.py", "        self.logs.clear()\n", ""),),
        (PROGRAMS,),
    ),
    Mutant(
        "random values go on where the call before ended",
        (
            (
                "worker/sandbox/engine.py",
                "        randomness.begin(seed)\n",
                "        seed and randomness.begin(seed)\n",
            ),
        ),
        (PROGRAMS,),
    ),
    Mutant(
        "kills are not counted",
        (("worker/hooks/strikes.py", "recent.append((now, weight))", "recent.append((now, 0))"),),
        ("tests/unit/hooks/test_strikes.py",),
    ),
    Mutant(
        "one script may hold all children",
        (("worker/hooks/pool.py", "self._per_key = max(self._workers - 1, 1)", "self._per_key = self._workers"),),
        (POOL,),
    ),
    Mutant(
        "who waits first is served first, whoever it is",
        (
            (
                "worker/hooks/pool.py",
                "                self._waiting[waiter.group] = self._waiting.pop(waiter.group)\n",
                "                pass\n",
            ),
        ),
        (POOL,),
    ),
    Mutant(
        "of a batch in which one context kills nothing is tried again",
        (("worker/hooks/runner.py", "if step > 1 and error.hook_class in _DEADLY:", "if False:"),),
        (f"{RUNNER}::test_one_context_that_kills_fails_alone",),
        is_quick=False,
    ),
    Mutant(
        "a source may be as large as it likes",
        (
            ("worker/hooks/check.py", "if size > MAX_SOURCE:", "if False:"),
            ("worker/sandbox/engine.py", "if len(source.encode()) > MAX_SOURCE:", "if False:"),
        ),
        ("tests/unit/hooks/test_check.py",),
    ),
)
