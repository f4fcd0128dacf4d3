"""Files that an event names: kept in `objects/` before the event is entered, which must not name what is not there.

A crash between the two leaves an object that no event names (W902). The same command again keeps the same bytes, and
enters the event. Source: specs/store.md section 4, specs/custody-log.md section 4 point 6.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from evidencekit.core import layout
from evidencekit.errors import CannotFinish, Refused
from evidencekit.write.durable import cannot_write, make_folders, write_new
from evidencekit.write.reread import digest_of
from evidencekit.write.systems import THIS


def keep_object(case: Path, data: bytes) -> None:
    """Bring a file to the objects of a case, durably; one that is there already stays.

    Raises:
        CannotFinish: X470, under this name stands something else; X403, X421, X422, X423.
    """
    digest = hashlib.sha256(data)
    place = case / layout.object_file(digest.hexdigest())
    made = [folder for folder in place.parents if not folder.exists()]
    make_folders(place.parent, below=case)
    try:
        for folder in made:
            THIS.sync(folder.parent)  # a new folder's name is durable once the folder above it is
        write_new(place, data)
    except OSError as error:
        raise cannot_write(place, error) from error
    except Refused:
        if digest_of(place) != digest.digest():
            raise CannotFinish(
                f"{layout.object_file(digest.hexdigest())} is not what its name says.",
                code="X470",
                hint="Nothing was recorded: the case is damaged. `evidencekit verify CASE` says what else is wrong.",
            ) from None
