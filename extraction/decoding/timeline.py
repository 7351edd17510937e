"""When each frame of a video stream is shown, from its packets alone: headers lie."""

import bisect
import itertools
import statistics
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Timeline:
    """The packets of one video stream in file order, times in ticks of the stream.

    Attributes:
        shown: presentation time of each packet (decoding time where a container has none).
        marks: (dts, pts) of each packet, what a seek asks for.
        keys: whether decoding can begin with it.
        exact: every packet carried its presentation time.
    """

    shown: list[int] = field(default_factory=list)
    marks: list[tuple[int | None, int | None]] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)
    exact: bool = True
    _visible: list[tuple[int, int]] = field(default_factory=list)  # (time, duration)

    def __len__(self) -> int:
        """Packets that are shown."""
        return len(self._visible)

    def add(self, packet) -> None:
        """Append one packet (an `av.Packet` with data)."""
        time = packet.pts if packet.pts is not None else packet.dts
        if time is None:
            time = self.shown[-1] + 1 if self.shown else 0
        self.exact &= packet.pts is not None
        self.shown.append(time)
        self.marks.append((packet.dts, packet.pts))
        self.keys.append(bool(packet.is_keyframe))
        if not packet.is_discard:
            self._visible.append((time, packet.duration or 0))

    def span(self) -> tuple[int, int]:
        """First and last tick at which something is shown."""
        visible = sorted(self._visible)
        times = [time for time, _ in visible]
        gaps = [later - earlier for earlier, later in itertools.pairwise(times) if later > earlier]
        usual = round(statistics.median(gaps)) if gaps else 1
        # a frame that claims to stay for ever stays as long as the longest between two others
        longest = max(gaps) if gaps else visible[-1][1] or usual
        return times[0], max(time + min(duration or usual, longest) for time, duration in visible)

    def midpoints(self, count: int) -> list[int]:
        """Times of the packets on show at the midpoints of `count` equal intervals, ascending, with repeats."""
        times = sorted({time for time, _ in self._visible})
        start, end = self.span()
        moments = start + (np.arange(count) + 0.5) * (end - start) / count
        return [times[max(bisect.bisect_right(times, moment) - 1, 0)] for moment in moments]

    def key_for(self, time: int) -> int:
        """Position of the last packet from which the frame shown at `time` can be decoded."""
        target = self.shown.index(time)
        usable = (place for place in range(target, -1, -1) if self.keys[place] and self.shown[place] <= time)
        return next(usable, 0)
