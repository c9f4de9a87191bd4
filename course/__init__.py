"""What runs, checks and publishes the notebooks.

The steps, in order: ``project`` reads the list of chapters, ``execute`` runs one chapter through
papermill in a process of its own, which ``warm_kernels`` forks, ``run`` runs many and keeps what finished, ``stage`` turns executed
notebooks into pages' sources, ``site`` renders them with Quarto or the embedded renderer, ``gate``
checks the result. ``cli`` puts these behind the command ``course``.
"""
