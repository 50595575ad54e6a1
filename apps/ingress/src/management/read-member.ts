// Bodies that make, change and remove members, read strictly.
import { EMAIL_CHARACTERS_MAX, MEMBERS_PER_CALL_MAX, MEMBER_ROLES, type MemberEntry } from '@waystation/contracts';
import { readJsonObject, refuseField, refuseUnknown, textOf, typeName } from './read-json.js';
import { readIds } from './read-ids.js';

/** What every address has; whether mail arrives nobody can read off it. */
const EMAIL = /^[^\s@]+@[^\s@]+$/;
const MEMBER_ID_CHARACTERS_MAX = 64;

const role = (value: unknown): MemberEntry['role'] =>
  MEMBER_ROLES.find((word) => word === value) ??
  refuseField(
    'role',
    `Expected ${MEMBER_ROLES.map((word) => `'${word}'`).join(' | ')}, received ${JSON.stringify(value)?.slice(0, 64) ?? 'nothing'}`,
  );

const email = (value: unknown): string => {
  const text = textOf('email', value, EMAIL_CHARACTERS_MAX);
  return EMAIL.test(text) ? text : refuseField('email', 'Expected an address such as jane@example.com');
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readNewMember = (body: unknown): Pick<MemberEntry, 'email' | 'role'> => {
  const value = readJsonObject(body);
  refuseUnknown(value, ['email', 'role']);
  return { email: email(value['email']), role: value['role'] === undefined ? 'member' : role(value['role']) };
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readMemberChange = (body: unknown): Pick<MemberEntry, 'role'> => {
  const value = readJsonObject(body);
  refuseUnknown(value, ['role']);
  return { role: role(value['role']) };
};

/** @throws WaystationError `malformed_json`, `invalid_request`, `unknown_parameter` */
export const readMemberIds = (body: unknown, field: 'user_ids' | 'member_user_ids'): string[] =>
  readIds(body, field, MEMBERS_PER_CALL_MAX, (value) =>
    typeof value === 'string' && value.length >= 1 && value.length <= MEMBER_ID_CHARACTERS_MAX && !value.includes('\0')
      ? undefined
      : `Expected ids of members, received ${typeof value === 'string' ? JSON.stringify(value.slice(0, 64)) : typeName(value)}`,
  );
