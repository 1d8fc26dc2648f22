import { type Backlog, sumUp } from '../core/backlog.js';
import type { StreamSide } from '../ports/stream-way.js';

/** What the streams among those requests keep. */
export const streamBacklogs = (requests: Iterable<{ readonly stream: StreamSide | undefined }>): readonly Backlog[] =>
  sumUp(Array.from(requests, ({ stream }) => stream?.backlogs ?? []).flat());
