// Server-sent events as a framing: each event's data is one JSON text.
import { EventReader, JSON_JOINT } from '../sse/event-reader.js';
import type { MakeFraming } from './decoder.js';

export const sseFraming: MakeFraming = (onEvent, eventBytesMax) => new EventReader(onEvent, eventBytesMax, JSON_JOINT);
