# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Runs in copies of the target (src/python/py-fork.h): finds objects by the name of their type as objgraph.by_type() does, and says
# what each of them says of itself. What is kept under the name of a secret is masked; a text without structure is masked by who asked.

import gc

MASK = "**REDACTED**"
SECRETS = (
    "password", "passwd", "passphrase", "secret", "token", "apikey", "api_key", "accesskey", "access_key", "privatekey", "private_key",
    "authkey", "auth_key", "credential", "authorization", "cookie", "webhook_id", "psk",
)

# A text is cut before it is masked, and once more after it, so that no secret is left in part.
MARGIN = 8192
OVERLAP = 4096

MAX_DEPTH = 4
MAX_WALK = 2000
MIN_SECRET = 4

get_name = type.__dict__["__name__"].__get__
get_module = type.__dict__["__module__"].__get__


def run(arguments):
    copy(lambda first: dump(arguments, first))


def dump(arguments, first):
    things = find(arguments["type"])
    emit({"total": len(things), "before": type.__repr__(type(things[first - 1])) if first else None})
    for index in range(first, len(things)):
        emit(tell(things[index], arguments["length"], arguments["unredacted"]))


def module_of(kind):
    try:
        module = get_module(kind)
    except AttributeError:
        return None
    return module if type(module) is str and module else None


def is_named(kind, name):
    if "." not in name:
        return get_name(kind) == name
    module = module_of(kind)
    return (module + "." if module else "") + get_name(kind) == name


def find(name):
    ours = find_ours()
    named = {}
    found = []
    own = {id(ours), id(named), id(found)}
    for thing in gc.get_objects():
        kind = type(thing)
        if id(kind) not in named:
            named[id(kind)] = is_named(kind, name)
        if named[id(kind)] and id(thing) not in ours and id(thing) not in own:
            found.append(thing)
    return found


# What came with this snippet is not the target's.
def find_ours():
    ours = {id(globals()["__builtins__"]): None}
    kinds = (dict, list, tuple, type(find_ours), type((lambda: ours).__closure__[0]))
    rest = [globals(), copy.__globals__]
    while rest:
        thing = rest.pop()
        if type(thing) in kinds and id(thing) not in ours:
            ours[id(thing)] = None
            rest.extend(gc.get_referents(thing))
    ours[id(rest)] = None
    return ours


def tell(thing, length, unredacted):
    kind = type(thing)
    result = {"module": module_of(kind), "class": type.__repr__(kind)}
    try:
        text = "".join((repr(thing),))
        size = len(text)
        if size > length + MARGIN:
            text = text[:length + MARGIN]
        if not unredacted:
            text = mask(text, thing)
        if size > length + MARGIN:
            text = text[:-OVERLAP]
        if len(text) > length or size > length + MARGIN:
            text = text[:length]
            result["cut"] = max(size - length, 1)
        result["text"] = text
    except BaseException:
        pass
    return result


def mask(text, thing):
    found = set()
    walk(thing, MAX_DEPTH, False, found, [MAX_WALK])
    for secret in sorted(found, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text


def is_secret(name):
    if not isinstance(name, str):
        return False
    name = name.lower().replace("-", "_")
    return any([word in name for word in SECRETS])


def walk(thing, depth, secret, found, left):
    left[0] -= 1
    kind = type(thing)
    if issubclass(kind, (str, bytes, bytearray, int)):
        if secret and kind is not bool:
            add(thing, found)
    elif thing is not None and depth > 0 and not issubclass(kind, type):
        for name, value in list_parts(thing, kind):
            if left[0] <= 0:
                break
            walk(value, depth - 1, secret or is_secret(name), found, left)


def add(secret, found):
    forms = [repr(secret)]
    if isinstance(secret, str):
        forms = [secret, forms[0][1:-1]]
    elif not isinstance(secret, int):
        forms = [forms[0].partition("b")[2].strip(")")[1:-1]]
    found.update([form for form in forms if len(form) >= MIN_SECRET])


def list_parts(thing, kind):
    if issubclass(kind, dict):
        yield from list(dict.items(thing))
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        yield from zip(kind._fields, tuple.__iter__(thing))
    elif issubclass(kind, (list, tuple, set, frozenset)):
        yield from [(None, value) for value in thing]
    try:
        yield from list(object.__getattribute__(thing, "__dict__").items())
    except (AttributeError, TypeError):
        pass
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            own = name.startswith("__") and not name.endswith("__")
            try:
                yield name, object.__getattribute__(thing, "_" + get_name(base).lstrip("_") + name if own else name)
            except (AttributeError, TypeError):
                pass
