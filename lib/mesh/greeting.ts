import { protocolMajor } from '../core/envelope.js';
import type { Identity } from './mesh-ports.js';

/** What both sides of a wire say of themselves first. */
export const greetingOf = ({ node, incarnation, heartbeatMs }: Identity) => ({
  major: protocolMajor,
  node,
  incarnation,
  features: [],
  heartbeatMs,
});
