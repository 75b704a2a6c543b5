"""The tags that the starter generator understands, with the words that lead to them.

Order is the order of the ``text`` graph's input; a trained table is only valid with the order it was trained with, so
append, never insert. ``columns`` are words of the sound manifest's ``category``, ``action`` and ``detail``.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tag:
    """One input of the embedding.

    Attributes:
        name: the word shown to a designer.
        kind: ``material``, ``action``, ``object``, or ``timbre`` (measured on the sound, not in the manifest).
        words: further words that mean it, singular, lower case.
        columns: words of the data's manifest that carry it, beside the name.
    """

    name: str
    kind: str
    words: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def _tag(name: str, kind: str, words: str = "", columns: str = "") -> Tag:
    return Tag(name=name, kind=kind, words=tuple(words.split()), columns=tuple(columns.split()))


TAGS: tuple[Tag, ...] = (
    _tag(
        "wood", "material", "wooden oak pine timber plank board log furniture table chair desk cabinet parquet bamboo"
    ),
    _tag(
        "metal", "material", "metallic iron steel tin brass copper aluminium aluminum rail pipe radiator anvil cutlery"
    ),
    _tag("glass", "material", "glassy window pane crystal jar wineglass"),
    _tag("plastic", "material", "polystyrene styrofoam vinyl pvc bucket toy"),
    _tag("cloth", "material", "fabric textile carpet clothing cotton denim curtain backpack rug", "fabric"),
    _tag("ceramic", "material", "tile porcelain pottery clay mug cup", "ceramic_tile tile"),
    _tag("rock", "material", "stone gravel pebble brick boulder granite marble", "rock_gravel"),
    _tag("dirt", "material", "earth soil mud ground sand snow"),
    _tag("grass", "material", "leaf foliage plant bush hay straw", "grass_leaf"),
    _tag("water", "material", "splash wet liquid drip bubble rain"),
    _tag("paper", "material", "page newspaper magazine book sheet"),
    _tag("flesh", "material", "body skin organic meat belly", "flesh_soft"),
    _tag(
        "hit",
        "action",
        "strike impact knock bang tap thud thump smack whack hammer bump clank clang beat stick drumstick drop",
    ),
    _tag("scrape", "action", "scratch rub drag slide scuff rasp grind brush"),
    _tag("footstep", "action", "step walk walking run running foot feet boot shoe sneaker stomp tread"),
    _tag("drum", "object", "percussion snare tom", "drum tabla hand-drum snare"),
    _tag("box", "object", "crate cajon chest case", "cajon"),
    _tag("door", "object", "gate slam hatch", "door slam"),
    _tag("can", "object", "tincan", "can tin"),
    _tag("coin", "object", "coinage money token", "coins coin chip chips"),
    _tag("key", "object", "keyring", "keys"),
    _tag("bottle", "object", "flask", "bottle"),
    _tag("plate", "object", "dish bowl crockery", "plate"),
    _tag("chain", "object", "chainmail", "chain chain/spring chainmail"),
    _tag("blade", "object", "knife sword scissors dagger axe", "knife blade sword scissors axe"),
    _tag("bell", "object", "chime cymbal hi-hat hihat gong", "bell cymbal hi-hat"),
    _tag("ball", "object", "bounce ping-pong", "ball"),
    _tag("hoof", "object", "horse gallop", "hoof"),
    _tag("clap", "object", "handclap applause", "handclap fingerclap hands"),
    _tag("snap", "object", "fingersnap", "snap pinkysnap"),
    _tag("punch", "object", "fight slap", "punch"),
    _tag("shaker", "object", "maraca cabasa rattle tambourine", "shaker cabasa tambourine"),
    _tag("tear", "object", "rip", "tear rip"),
    _tag("break", "object", "smash shatter crack crash", "break crash"),
    _tag("crunch", "object", "crackle bite chew", "food/crunch crunch crackle"),
    _tag("click", "object", "switch button clock latch", "click switch"),
    _tag("stairs", "object", "stair staircase", "stairs"),
    _tag("concrete", "object", "pavement asphalt street cement", "concrete concrete/station"),
    _tag("card", "object", "cardboard deck", "card cards cardboard"),
    _tag("balloon", "object", "pop", "balloon"),
    _tag("cap", "object", "lid cork", "cap cork"),
    _tag("foil", "object", "crinkle wrapper", "foil"),
    _tag("dice", "object", "", "dice"),
    _tag("gun", "object", "weapon reload bullet pistol rifle", "gun weapon bullet"),
    _tag("leather", "object", "belt", "leather"),
    _tag("rubber", "object", "tyre tire", "rubber"),
    _tag("bright", "timbre", "sharp crisp tinny high brilliant"),
    _tag("dull", "timbre", "muffled dark deep low"),
    _tag("long", "timbre", "ringing ring resonant sustained"),
    _tag("short", "timbre", "dry tight damped"),
)


def tags_of(*, category: str, action: str, detail: str) -> tuple[int, ...]:
    """Indices of the tags that a manifest row carries, ascending."""
    found = set()
    detail_words = set(detail.split("(")[0].replace(":", " ").lower().split())
    for index, tag in enumerate(TAGS):
        if (
            (tag.kind == "material" and category in (tag.name, *tag.columns))
            or (tag.kind == "action" and action == tag.name)
            or (tag.kind == "object" and detail_words & {tag.name, *tag.columns})
        ):
            found.add(index)
    return tuple(sorted(found))
