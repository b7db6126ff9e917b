"""A folder of src/ includes only itself and lower floors; *_priv.h stays in its folder; tests may include all."""

from source import Problem

FLOORS = {
    "base": 0,
    "codec": 1, "crypto": 1, "net": 1,
    "store": 2, "control": 2,
    "query": 3,
    "service": 4,
    "api": 5,
    "main": 6,
}


def floor_folder(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def complaint(folder, target_folder, target):
    if target_folder != folder and target.endswith("_priv.h"):
        return f"includes {target}, which is private to src/{target_folder}"
    if target_folder != folder and FLOORS[target_folder] >= FLOORS[folder]:
        return f"src/{folder} (floor {FLOORS[folder]}) includes {target} of floor {FLOORS[target_folder]}"
    return None


def check(tree):
    for path in tree.c_paths:
        folder = floor_folder(path)
        if folder is None:
            continue
        if folder not in FLOORS:
            yield Problem(path, 1, f"src/{folder} is no floor (tools/lint/floors.py names them)")
            continue
        for line, name in tree.includes(path):
            target = tree.resolve(path, name)
            target_folder = floor_folder(target) if target else None
            if target is None:
                yield Problem(path, line, f'"{name}" is not found; includes are written from src/, as "base/err.h"')
            elif target_folder is None:
                yield Problem(path, line, f"src/ includes {target}, which is outside it")
            elif target_folder in FLOORS:
                text = complaint(folder, target_folder, target)
                if text:
                    yield Problem(path, line, text)
