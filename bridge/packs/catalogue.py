"""What ``foley-bridge packs pull`` can get: which files, from where, under which terms.

Convention: facts only, each as its publisher states it. A checksum is written here only where it is known; where it is
not, the publisher is asked when the file is got (Zenodo states an MD5 for every file), and what nobody vouches for is
not used without the user's word. ``None`` means "not known here", never "any".

Sources: the files that SyncFusion needs are named in its repository (github.com/mcomunita/syncfusion, README); size and
SHA-256 of the CLAP checkpoint on its page (huggingface.co/lukewys/laion_clap), of RoBERTa's files at revision e2da8e2f.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import PackError
from bridge.packs.manifest import CommercialUse


@dataclass(frozen=True, kw_only=True)
class Item:
    """One file to get.

    Attributes:
        name: what it is called in the download folder. what: what it is, for people.
        licence, commercial_use, territory: its terms, as stated where it is published.
        page: where a person finds it.
        url: where it lies, "" if the record is asked. size_bytes, sha256: of the file; None is not known.
        record: number of the Zenodo record that holds it, 0 for none.
        offered: names under which the record may offer it, most likely first; ``*`` stands for anything.
        inside: if it comes in an archive: names that it may have there, most likely first.
        not_inside: names in the record or archive that are something else.
    """

    name: str
    what: str
    licence: str
    commercial_use: CommercialUse
    page: str
    territory: str = "no limit stated"
    url: str = ""
    size_bytes: int | None = None
    sha256: str | None = None
    record: int = 0
    offered: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    not_inside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One pack that can be made from files to get.

    Attributes:
        name: the pack's. title: for people. items: by the role that each plays. command: makes the pack of them;
            ``{role}`` stands for a file, ``{folder}`` for where they lie, ``{out}`` for the pack's folder.
    """

    name: str
    title: str
    items: Mapping[str, Item]
    command: tuple[str, ...]


_SYNCFUSION_RECORD = 12634630
_SYNCFUSION_LICENCE = "not stated by its authors' repository; see what the record's page says"
_ROBERTA = "https://huggingface.co/FacebookAI/roberta-base/resolve/e2da8e2f811d1448a5b465c236feacd80ffbac7b/"

SYNCFUSION = Entry(
    name="syncfusion",
    title="SyncFusion (Comunita et al., ICASSP 2024): onsets from pictures, sound by waveform diffusion",
    items=MappingProxyType(
        {
            "onset": Item(
                name="onset.ckpt",
                what="checkpoint of the onset net",
                licence=_SYNCFUSION_LICENCE,
                commercial_use="unknown",
                page=f"https://zenodo.org/records/{_SYNCFUSION_RECORD}",
                record=_SYNCFUSION_RECORD,
                offered=("ckpt-onset.zip", "*onset*.zip", "*onset*.ckpt"),
                inside=("epoch=9-step=3600-val=1.446.ckpt", "*.ckpt"),
                not_inside=("*augment*", "*last*.ckpt"),
            ),
            "diffusion": Item(
                name="diffusion.ckpt",
                what="checkpoint of the sound generator",
                licence=_SYNCFUSION_LICENCE,
                commercial_use="unknown",
                page=f"https://zenodo.org/records/{_SYNCFUSION_RECORD}",
                record=_SYNCFUSION_RECORD,
                size_bytes=3_223_219_889,
                offered=("ckpt-diffusion.zip", "*diffusion*.zip", "*diffusion*.ckpt"),
                inside=("epoch=784-valid_loss=0.008.ckpt", "*.ckpt"),
                not_inside=("*last*.ckpt",),
            ),
            "clap": Item(
                name="630k-audioset-best.pt",
                what="CLAP checkpoint (LAION)",
                licence="CC0-1.0",
                commercial_use="yes",
                page="https://huggingface.co/lukewys/laion_clap",
                url="https://huggingface.co/lukewys/laion_clap/resolve/main/630k-audioset-best.pt",
                size_bytes=1_863_587_645,
                sha256="8053c9775516af2f4902e1e8281e356cc1bf7a85e8b761908170767b77c3f037",
            ),
            "vocabulary": Item(
                name="vocab.json",
                what="RoBERTa base, words of the tokeniser",
                licence="MIT",
                commercial_use="yes",
                page="https://huggingface.co/FacebookAI/roberta-base",
                url=_ROBERTA + "vocab.json",
                size_bytes=898_823,
                sha256="9e7f63c2d15d666b52e21d250d2e513b87c9b713cfa6987a82ed89e5e6e50655",
            ),
            "merges": Item(
                name="merges.txt",
                what="RoBERTa base, merges of the tokeniser",
                licence="MIT",
                commercial_use="yes",
                page="https://huggingface.co/FacebookAI/roberta-base",
                url=_ROBERTA + "merges.txt",
                size_bytes=456_318,
                sha256="1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
            ),
        }
    ),
    command=(
        "foley-export",
        "syncfusion",
        "--onset-checkpoint",
        "{onset}",
        "--diffusion-checkpoint",
        "{diffusion}",
        "--clap-checkpoint",
        "{clap}",
        "--tokenizer",
        "{folder}",
        "--out",
        "{out}",
    ),
)

ENTRIES: Mapping[str, Entry] = MappingProxyType({SYNCFUSION.name: SYNCFUSION})
"""Everything that can be pulled, by name."""


def find(name: str) -> Entry:
    """What can be pulled under a name.

    Raises:
        PackError: nothing can; the message lists what there is.
    """
    try:
        return ENTRIES[name]
    except KeyError:
        raise PackError(
            f'there is nothing to pull under the name "{name}"', hint=f"There is: {', '.join(sorted(ENTRIES))}"
        ) from None
