"""What a run knows of itself."""

from kedro.io import MemoryDataset


class GivenDataset(MemoryDataset):
    """What a hook gives to the nodes of a run when it starts, such as the identity of the run; kept in memory."""

    optional = True
