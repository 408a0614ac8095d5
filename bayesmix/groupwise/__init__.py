"""One specification fitted to many groups of a table: `fit_groups`, and what it returns, `GroupFits`.

`_split` divides the table, `_work` fits one group wherever it is sent, `_folder` keeps finished groups in a directory,
`_run` brings these together through joblib, and `_result` puts the answers into three tables.
"""

from bayesmix.groupwise._result import Fits, GroupFits
from bayesmix.groupwise._run import fit_groups

__all__ = ["Fits", "GroupFits", "fit_groups"]
