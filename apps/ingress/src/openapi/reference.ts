// What the tools write of the API's reference: docs/openapi.json and docs/compatibility.md.
export { describeApi } from './describe-api.js';
export { writeCompatibility } from './write-compatibility.js';
