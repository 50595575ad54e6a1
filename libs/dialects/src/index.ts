// Public wire shapes and what they are made of.
export { CHAT_FIELDS, CHAT_PARAMETERS, OWN_CHAT_FIELDS } from './json/chat-fields.js';
export { editMembers, memberEdits, spliceJson, type JsonEdit, type MemberChanges } from './json/edit-members.js';
export { scanArray, scanObject, scanTopLevelFields } from './json/scan-top-level.js';
export { JSON_DEPTH_MAX } from './json/skip-value.js';
