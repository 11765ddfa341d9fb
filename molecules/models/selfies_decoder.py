"""Points in latent space to SELFIES, token after token; or SELFIES from no point at all."""

import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence

from molecules.features.selfies import START, STOP, Vocabulary

_COUNTS = re.compile(r"(?:Branch|Ring)(\d)\]$")  # so many symbols behind it are a number
_MOST = 3  # of them


class AtomCount(nn.Module):
    """How many atoms a text of tokens has written at each place.

    Symbols behind that of a branch or a ring are digits of a number, whatever atom they stand
    for elsewhere; so a token means something else where a token before it left digits open.
    SELFIES leaves out atoms for which there is no bond, which are counted here all the same.

    Args:
        vocabulary: of the tokens.
    """

    atoms: Tensor
    open: Tensor

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__()
        found = [
            [_counted(symbols, digits) for digits in range(_MOST + 1)]
            for symbols in vocabulary.spelled
        ]
        atoms, still = torch.tensor(found).unbind(2)
        self.register_buffer("atoms", atoms, persistent=False)
        self.register_buffer("open", still, persistent=False)

    def forward(self, sequence: Tensor) -> Tensor:
        """(molecule, place) codes -> (molecule, place) atoms before each."""
        atoms = digits = torch.zeros_like(sequence[:, 0])
        found: list[Tensor] = []
        for token in sequence.unbind(1):
            found.append(atoms)
            atoms, digits = self.step(token, atoms, digits)
        return torch.stack(found, dim=1)

    def step(self, token: Tensor, atoms: Tensor, digits: Tensor) -> tuple[Tensor, Tensor]:
        """Atoms and open digits (molecule,) behind one token more."""
        return atoms + self.atoms[token, digits], self.open[token, digits]


class SelfiesDecoder(nn.Module):
    """A gated recurrent network that writes one token after the other (Cho et al. 2014).

    It sees the token before, and the slots of the next two atoms, with what a network that goes
    over all slots from both sides says there.

    Args:
        vocabulary: of the tokens.
        conditions: number of conditions.
        slots: of a point.
        latent: channels of a slot.
        dim, embedding: channels of the network, and of what it sees.
        reader: channels of what goes over the slots, each way.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        conditions: int,
        slots: int,
        latent: int,
        dim: int,
        embedding: int,
        reader: int,
    ) -> None:
        super().__init__()
        self.count, self.longest, self.places = AtomCount(vocabulary), vocabulary.longest, slots
        self.around = nn.GRU(latent + conditions, reader, batch_first=True, bidirectional=True)
        self.alone = nn.Parameter(torch.zeros(2 * reader + 2 * latent))
        self.embed = nn.Embedding(len(vocabulary), embedding)
        self.see = nn.Linear(2 * reader + 2 * latent + conditions, embedding)
        self.begin = nn.Linear(conditions, dim)
        self.network = nn.GRU(embedding, dim, batch_first=True)
        self.tell = nn.Linear(dim, len(vocabulary))

    def slots(self, latent: Tensor | None, conditions: Tensor) -> Tensor:
        """All that is seen of each slot: it, the next one, and around (molecule, slot, channel).

        Args:
            latent: (molecule, slot, latent); None for no point.
            conditions: (molecule, condition), normalized.
        """
        asked = conditions.unsqueeze(1).expand(-1, self.places, -1)
        if latent is None:
            return torch.cat([self.alone.expand(*asked.shape[:2], -1), asked], dim=2)
        around, _ = self.around(torch.cat([latent, asked], dim=2))
        following = F.pad(latent, (0, 0, 0, 1))[:, 1:]
        return torch.cat([around, latent, following, asked], dim=2)

    def forward(
        self, slots: Tensor, conditions: Tensor, sequence: Tensor, before: Tensor, sizes: Tensor
    ) -> Tensor:
        """Logits of each next token, of all molecules packed.

        Args:
            slots: see `slots`.
            conditions: (molecule, condition), normalized.
            sequence: (molecule, place) what is to be written.
            before: (molecule, place) the token before each place, START first.
            sizes: (molecule,) places that count, in host memory.

        Returns:
            (places that count, token), in the order of `pack_padded_sequence`.
        """
        inputs = self.embed(before) + self.see(self._next(slots, self.count(sequence)))
        packed = pack_padded_sequence(inputs, sizes, batch_first=True, enforce_sorted=False)
        states, _ = self.network(packed, torch.tanh(self.begin(conditions)).unsqueeze(0))
        return self.tell(states.data)

    def write(
        self,
        latent: Tensor | None,
        conditions: Tensor,
        temperature: float,
        generator: torch.Generator,
    ) -> Tensor:
        """Write molecules, token by token.

        Args:
            latent: (molecule, slot, channel); None for no point.
            conditions: (molecule, condition), normalized.
            temperature: of the draws; 0 takes the likeliest token each time.
            generator: of the draws.

        Returns:
            (molecule, longest) codes, STOP behind the last.
        """
        slots = self.slots(latent, conditions)
        state = torch.tanh(self.begin(conditions)).unsqueeze(0)
        device, molecules = conditions.device, len(conditions)
        token = torch.full((molecules, 1), START, device=device)
        written = torch.full((molecules, self.longest), STOP, device=device)
        going = torch.ones(molecules, dtype=torch.bool, device=device)
        atoms = digits = torch.zeros(molecules, dtype=torch.int64, device=device)
        for place in range(self.longest):
            seen = self.see(self._next(slots, atoms.unsqueeze(1)))
            output, state = self.network(self.embed(token) + seen, state)
            logits = self.tell(output[:, 0]).float()
            logits[:, START] = -torch.inf
            if place == 0:
                logits[:, STOP] = -torch.inf  # no empty molecule
            token = _drawn(logits, temperature, generator)
            token = torch.where(going.unsqueeze(1), token, STOP)
            written[:, place] = token[:, 0]
            atoms, digits = self.count.step(token[:, 0], atoms, digits)
            going &= token[:, 0] != STOP
            if not going.any():
                break
        return written

    def _next(self, slots: Tensor, atoms: Tensor) -> Tensor:
        """What is seen of the next atom: (molecule, place, channel).

        Args:
            slots: (molecule, slot, channel).
            atoms: (molecule, place) written before.
        """
        slot = atoms.clamp(max=slots.shape[1] - 1)
        return slots.gather(1, slot.unsqueeze(2).expand(-1, -1, slots.shape[2]))


def _counted(symbols: Sequence[str], digits: int) -> tuple[int, int]:
    """Atoms that symbols write where so many digits are open, and digits open behind them."""
    atoms = 0
    for symbol in symbols:
        if digits:
            digits -= 1
        elif number := _COUNTS.search(symbol):
            digits = int(number[1])
        else:
            atoms += 1
    return atoms, digits


def _drawn(logits: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """(molecule, token) -> (molecule, 1)."""
    if temperature == 0:
        return logits.argmax(dim=1, keepdim=True)
    return torch.multinomial((logits / temperature).softmax(dim=1), 1, generator=generator)
