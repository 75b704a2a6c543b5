"""What could be said of a one-shot: captions composed from what its manifest row and its file name say.

Convention: lower-case words without punctuation. A caption never says more than is known: a further object or surface
is only named where the row itself does not name one. The vocabulary of a caption comes from ``caption_words``; the
word lists are general knowledge of what things are made of. They were not kept apart from the first list of phrases
that embedders are judged by (``onnx_export.evaluate.phrases``); the second came later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

GENERIC = "generic"
MATERIALS = (
    "wood",
    "metal",
    "glass",
    "plastic",
    "cloth",
    "ceramic_tile",
    "rock_gravel",
    "dirt",
    "grass_leaf",
    "water",
    "paper",
    "flesh_soft",
)
"""The manifest's materials, in the order of the classifier; ``generic`` is none of them."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wood": _words("wood, wooden, timber, solid wood, plywood, hardwood, hollow wood"),
        "metal": _words("metal, metallic, steel, iron, tin, brass, aluminum, copper, sheet metal"),
        "glass": _words("glass, glassy, crystal"),
        "plastic": _words("plastic, vinyl, rubber, polystyrene, nylon, hard plastic"),
        "cloth": _words("cloth, fabric, textile, leather, cotton, wool, clothes"),
        "ceramic_tile": _words("ceramic, tile, porcelain, china, earthenware, pottery, clay"),
        "rock_gravel": _words("rock, stone, gravel, concrete, rocky, brick"),
        "dirt": _words("dirt, soil, earth, mud, sand, snow, soft ground"),
        "grass_leaf": _words("grass, leaves, foliage, plants, dry leaves, straw"),
        "water": _words("water, liquid, wet, fluid"),
        "paper": _words("paper, cardboard, card, paperboard"),
        "flesh_soft": _words("flesh, body, skin, soft, hands, meat"),
    }
)
"""How a material is called."""

THINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "wood": _words(
            "door, table, chair, desk, cabinet, crate, box, plank, board, floor, stairs, stick, log, barrel, fence, "
            "oak, pine, bamboo, furniture, drawer, wardrobe, chest, bench, shelf, pole, baseball bat, deck, ladder, "
            "club, drumstick, pallet, gate, cupboard, beam, tree trunk, mallet, ruler, chopping board, rowing boat"
        ),
        "metal": _words(
            "pipe, can, pan, pot, lid, bucket, chain, key, coin, knife, sword, fork, spoon, bell, plate, locker, nail, "
            "screw, hammer, anvil, rail, gate, radiator, car door, tin can, trash can, kettle, wrench, tools, "
            "scissors, blade, cymbal, gong, padlock, hinge, bolt, spring, wire, railing, cutlery, tray, shovel, axe, "
            "helmet, armour, gun, ladder, hatch, oil drum, bicycle, hubcap, toaster"
        ),
        "glass": _words(
            "bottle, wine glass, window, jar, pane, drinking glass, marble, light bulb, mirror, vase, window pane, "
            "tumbler, test tube, glass bowl, shards, goblet, decanter, glass door"
        ),
        "plastic": _words(
            "plastic bottle, bucket, toy, cup, lid, box, bag, tube, ball, dice, balloon, button, switch, keyboard, "
            "crate, container, pen, tape, packaging, bin, straw, comb, toothbrush, styrofoam, remote control, casino "
            "chip, ping pong ball, cd case, bubble wrap, pvc pipe, tray, rubber band"
        ),
        "cloth": _words(
            "shirt, jacket, coat, curtain, towel, bag, backpack, trousers, blanket, bedding, sheet, carpet, rug, belt, "
            "zipper, denim, jeans, glove, sail, flag, tent, rope, dress, pillow, sofa, sleeping bag, canvas, velcro"
        ),
        "ceramic_tile": _words(
            "mug, cup, plate, bowl, tiles, tiled floor, vase, jug, flowerpot, dish, teapot, sink, crockery, kitchen "
            "tiles, bathroom floor"
        ),
        "rock_gravel": _words(
            "rocks, stones, pebbles, bricks, boulder, concrete floor, pavement, gravel path, rubble, wall, slab, "
            "granite, marble floor, cobblestones, sidewalk, ice, chalk, driveway, cliff, rock fall, debris, slate"
        ),
        "dirt": _words(
            "soil, mud, earth, snow, sand, ground, field, garden bed, sandbag, beach, dirt road, path, digging, spade "
            "in the ground, dust, forest floor, clay ground"
        ),
        "grass_leaf": _words(
            "grass, leaves, bush, branch, meadow, twigs, shrub, vine, straw, hay, lawn, reeds, tree branches, weeds, "
            "fern, plants"
        ),
        "water": _words(
            "puddle, drop, splash, drip, bubbles, stream, pool, sink, rain, bucket of water, river, pond, lake, "
            "swimming, pouring, fountain, bath, wave, sea, shower"
        ),
        "paper": _words(
            "book, page, newspaper, magazine, cards, deck of cards, cardboard box, sheet of paper, envelope, letter, "
            "notebook, wrapping paper, sandpaper, carton, receipt, tissue paper, map, paper bag, folder"
        ),
        "flesh_soft": _words(
            "hand, fist, chest, belly, face, cheek, head, shoulder, fingers, palm, body fall, punch, slap, clap, "
            "finger snap, handclap, meat, fruit, vegetable, food, knuckles, thigh, back, arm"
        ),
    }
)
"""What is usually made of a material, or is it."""

ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "hit": _words(
            "hit, hits, hitting, impact, strike, striking, knock, knocking, bang, banging, tap, tapping, thud, bump, "
            "hammering, beating, drumming, whack, smack, clank, dropping, drop, falling"
        ),
        "scrape": _words(
            "scrape, scraping, scratch, scratching, rub, rubbing, drag, dragging, slide, sliding, friction, brushing, "
            "grinding"
        ),
        "footstep": _words(
            "footstep, footsteps, step, steps, walk, walking, running, foot, feet, boots, shoes, stomp, treading"
        ),
        "other": _words("sound, noise, handling, moving, foley, rattle, movement"),
    }
)
"""How an action is called."""

SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "handclap": _words("hand clap, clapping hands, applause"),
        "fingerclap": _words("finger clap, clapping with the fingers"),
        "snap": _words("snapping fingers, finger snap"),
        "hoof": _words("horse, gallop, horse hooves"),
        "coins": _words("money, change, coin"),
        "keys": _words("keyring, bunch of keys, key"),
        "keyring": _words("keys, bunch of keys"),
        "trashcan": _words("garbage can, dustbin, trash can"),
        "garbage": _words("trash, rubbish"),
        "break": _words("breaking, smash, shatter"),
        "crash": _words("smash, breaking"),
        "doorslam": _words("door slam, slamming door"),
        "slam": _words("slamming, shut hard"),
        "creak": _words("creaking, squeaky"),
        "squeak": _words("squeaking, squeaky"),
        "tear": _words("tearing, ripping"),
        "rip": _words("tearing, ripping"),
        "rustle": _words("rustling"),
        "cajon": _words("box drum, wooden box"),
        "drum": _words("drumming, percussion"),
        "cup": _words("mug"),
        "blade": _words("knife, sword"),
        "punch": _words("fist, hitting someone, boxing, fight"),
        "stomp": _words("stamping the foot, heavy step"),
        "splash": _words("splashing"),
        "drop": _words("dropping, dripping"),
        "pour": _words("pouring"),
        "crunch": _words("biting, chewing, crunching"),
        "eating": _words("chewing, biting"),
        "foil": _words("tinfoil, aluminum foil, wrapper"),
        "die": _words("dice"),
        "pistol": _words("gun, weapon"),
        "rifle": _words("gun, weapon"),
        "chambering": _words("loading a gun, cocking"),
        "tape": _words("sticky tape, adhesive tape"),
        "pot": _words("saucepan, cooking pot"),
        "pan": _words("frying pan, skillet"),
        "stairs": _words("staircase, steps"),
        "bottle": _words("flask"),
        "shoes": _words("sneakers, boots"),
        "gravel": _words("pebbles, loose stones"),
        "dig": _words("digging, shovel, spade"),
    }
)
"""Further ways to say a word of the data."""

IGNORED = frozenset(
    _words(
        "default, generic, misc, sounds, sound, sample, samples, single, supposedly, plural, loop, bobobo, cnd, "
        "adafruit, kenney, standard, the, and, with, for, not, short, long, solo, maybe, other, tests"
    )
)
"""Words of file names that say nothing."""
_LEADS = ("", "", "", "the sound of ", "sound of ", "a ", "someone ", "recording of ", "foley ")
_TAILS = ("", "", "", "", " sound", " foley", " sound effect", " close up")
_PREPOSITIONS = ("on", "on", "against", "with", "of", "into", "on the", "on a", "against the", "onto the")
_FEELS = ("", "", "", "", "heavy ", "light ", "hard ", "soft ", "loud ", "single ", "small ", "big ", "old ")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a one-shot in words.

    Attributes:
        material: of the manifest. action: of the manifest.
        detail: words of the manifest's detail. name: words of the file name that the vocabulary has.
    """

    material: str
    action: str
    detail: tuple[str, ...]
    name: tuple[str, ...]


def known_of(row: Mapping[str, str], lexicon: frozenset[str]) -> Known:
    """What a row of the manifest tells.

    Args:
        row: columns category, action, detail, original_path.
        lexicon: words that count as words; compounds of two of them are taken apart.
    """
    detail = row["detail"].split("(")[0].replace("body percussion:", " ").lower()
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", row["original_path"].split("/")[-1].rsplit(".", 1)[0]).lower()
    name = tuple(dict.fromkeys(part for word in re.findall("[a-z]+", stem) for part in _parts(word, lexicon)))
    return Known(
        material=row["category"],
        action=row["action"],
        detail=tuple(word for chunk in re.findall("[a-z]+", detail) for word in _parts(chunk, lexicon) or (chunk,)),
        name=name if len(name) <= 6 else (),
    )


def compose(known: Known, rng: np.random.Generator) -> str:
    """One caption, different each time."""

    def pick(choice: Sequence[str]) -> str:
        return choice[int(rng.integers(len(choice)))]

    def said(words: tuple[str, ...]) -> str:
        shown = [pick((word, *SYNONYMS.get(word, ()))) if rng.random() < 0.4 else word for word in words]
        return " ".join(shown)

    specific = known.detail or known.name
    object_ = ""
    if known.detail and (not known.name or rng.random() < 0.6):
        object_ = said(known.detail)
    elif known.name:
        object_ = said(known.name)
        if rng.random() < 0.25:
            return _dressed(object_, rng)
    material = pick(NAMES[known.material]) if known.material in NAMES else ""
    if rng.random() < 0.45 and known.material in NAMES:
        material = NAMES[known.material][0]
    if not specific and known.material in THINGS and rng.random() < 0.35:
        object_ = pick(THINGS[known.material])
    action = pick(ACTIONS[known.action])
    if known.action == "other" and object_ and rng.random() < 0.7:
        action = ""
    if object_ and material and rng.random() < 0.3:
        material = ""
    return _dressed(_arranged(object_, material, action, rng), rng)


def thing_caption(material: str, rng: np.random.Generator) -> str:
    """A caption about something made of a material, without a recording of it."""
    choice = THINGS[material] if rng.random() < 0.7 else NAMES[material]
    thing = choice[rng.integers(len(choice))]
    named = ""
    if rng.random() < 0.15:
        named = NAMES[material][rng.integers(len(NAMES[material]))]
    actions = ACTIONS[("hit", "hit", "scrape", "footstep", "other")[rng.integers(5)]]
    action = actions[rng.integers(len(actions))] if rng.random() < 0.75 else ""
    return _dressed(_arranged(thing, named, action, rng), rng)


def caption_words() -> frozenset[str]:
    """Every word that captions add to those of the data."""
    lists = (*NAMES.values(), *THINGS.values(), *ACTIONS.values(), *SYNONYMS.values(), _LEADS, _TAILS, _FEELS)
    found = {word for entries in lists for entry in entries for word in entry.split()}
    return frozenset(found | set(SYNONYMS) | {word for entry in _PREPOSITIONS for word in entry.split()})


def _arranged(thing: str, material: str, action: str, rng: np.random.Generator) -> str:
    feel = _FEELS[rng.integers(len(_FEELS))]
    body = " ".join(part for part in ((material, thing) if rng.random() < 0.8 else (thing, material)) if part)
    if not body or not action:
        return f"{feel}{body or action}"
    if rng.random() < 0.45:
        return f"{feel}{body} {action}"
    return f"{feel}{action} {_PREPOSITIONS[rng.integers(len(_PREPOSITIONS))]} {body}"


def _dressed(body: str, rng: np.random.Generator) -> str:
    lead, tail = _LEADS[rng.integers(len(_LEADS))], _TAILS[rng.integers(len(_TAILS))]
    return " ".join(f"{lead}{body}{tail}".split())


def _parts(word: str, lexicon: frozenset[str]) -> tuple[str, ...]:
    """The word if it is one, the two or three words that it is made of, or nothing."""
    if word in IGNORED or len(word) < 3:
        return ()
    if word in lexicon:
        return (word,)
    for cut in range(len(word) - 3, 2, -1):
        if word[:cut] in lexicon:
            rest = _parts(word[cut:], lexicon)
            if rest:
                return (word[:cut], *rest)
    return ()
