"""How long bayesmix and its peers take to the same quality, on the same data and priors, in one run.

``python -m tests.benchmarks --list`` names the cases; ``python -m tests.benchmarks rows --peers bayesmix,pymc`` runs
one. Timings mean something on an idle machine only.

Every measurement is a `records.Job` that runs in a process of its own (`runner` starts and, at the limit, kills it;
`worker` is the other side), so that peak memory is the job's, and no job warms another one's caches. The parent
imports neither NumPy nor any peer. `cases` lists the jobs of every case, `peers` writes the same model for every
package, `measure` holds the rule for quality, `kernel` and `startup` are the two cases that are not about sampling,
and `report` turns records into tables and ratios.
"""
