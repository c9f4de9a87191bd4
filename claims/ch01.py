import numpy as np
from scipy.spatial.distance import cdist

from claims import Claim, Names, agrees, measures

RECORD = ["right", "differ", "agreeing", "k", "right_share"]


def check(found: Names) -> list[Claim]:
    """Return the claims about two small examples, the landscape, and its segments."""
    points, answers, model = found.points, found.answers, found.model
    labels, centers = model.labels_, model.cluster_centers_
    taught = np.array([points[::2][answers[::2] == answer].mean(axis=0) for answer in range(3)])
    right = np.sum(cdist(points[1::2], taught).argmin(axis=1) == answers[1::2])
    differ = len(answers) - measures.most_agreeing(found.groups.labels_, answers)
    agreeing = measures.most_agreeing(found.group["standardized"], found.kinds)
    customers = found.customers.to_numpy()
    scaled = (customers - customers.mean(axis=0)) / customers.std(axis=0)
    said = found.tables["standardized"]
    return [
        agrees("The rule's answers are those of the nearest mean", right, found.right, 0, "points"),
        agrees("Groups are paired with answers in the best way", differ, found.differ, 0, "points"),
        agrees("Each column is standardized by its mean and standard deviation", scaled, said),
        agrees("Customers are counted right", agreeing, found.agreeing["standardized"], 0, "customers"),
        *measures.about_landscape(found),
        *measures.about_clusters(found.pixels, labels, centers, model.inertia_, moving=1),
    ]
