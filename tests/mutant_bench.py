"""All mutants of a design with streams, played at once: a column of bits for each mutant and each kind of traffic."""

import numpy as np
from lmul.prove.mutation import Simulation


class MutantBench:
    """Gates with their mutants; each waits for the handshake of its own.

    Attributes
    ----------
    rst, active : str, int
        The port that resets, and its level.
    stream : array, (count,)
        Which traffic each column has.
    wrong : array of bool, (count,)
    """

    rst, active = "rst", 1

    def __init__(self, gates, traffic, rng):
        self.gates, self.rng, self.traffic = gates, rng, len(traffic)
        self.simulation = Simulation(gates, self.traffic, rng)
        self.count = self.simulation.lanes * self.traffic
        self.stream = np.arange(self.count) % self.traffic
        self.wrong = np.zeros(self.count, bool)

    def cycle(self, inputs, reset=False):
        """One cycle from the inputs' bits, by port; gives the outputs' planes."""
        inputs[self.rst] = np.full((1, self.count), reset == self.active, np.uint8)
        flat = [int.from_bytes(octets, "little") for name in self.gates.inputs
                for octets in map(bytes, np.packbits(inputs[name], axis=1, bitorder="little"))]
        return self.simulation.step(flat)

    def bits(self, planes):
        """Planes as bits, (planes, streams)."""
        octets = b"".join(plane.to_bytes(self.count // 8, "little") for plane in planes)
        return np.unpackbits(np.frombuffer(octets, np.uint8).reshape(len(planes), -1), axis=1, bitorder="little")

    def noise(self, width):
        """Rubbish of so many bits, the same for all mutants of a traffic."""
        return self.rng.integers(0, 2, (self.traffic, width), np.uint8)[self.stream]
