// Whose reasoning it is: a name that travels with every thought. The reference API, section 8.

/** Of providers whose reasoning has no name. */
export const UNKNOWN_FORMAT = 'unknown';
export const CLAUDE_FORMAT = 'anthropic-claude-v1';
