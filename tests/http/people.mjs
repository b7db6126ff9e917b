// Users and their sessions, for tests: making one, signing in, and requests with the cookie.
import assert from 'node:assert/strict';

export const PASSWORD = 'several words make a good one';

// What a browser keeps of a Set-Cookie: "name=value".
export function cookieOf(answer) {
  const lines = answer.headers['set-cookie'] ?? [];
  return lines.length ? lines[0].split(';')[0] : undefined;
}

export async function makeUser(s, email, { role = 'analyst', name = '', password = PASSWORD, key } = {}) {
  const made = await s.request('POST', '/v1/users', { body: { email, role, name }, ...(key ? { key } : {}) });
  assert.equal(made.status, 201, made.text);
  if (password !== null) {
    const set = await s.request('POST', '/v1/password', { key: null, body: { token: made.json.reset_token, password } });
    assert.equal(set.status, 204, set.text);
  }
  return made.json;
}

export const signIn = (s, body, options = {}) => s.request('POST', '/v1/session', { key: null, body: { password: PASSWORD, ...body }, ...options });

// A signed-in user: get, request as a page of the server itself would send them.
export async function session(s, body, options) {
  const answer = await signIn(s, body, options);
  assert.equal(answer.status, 201, answer.text);
  const cookie = cookieOf(answer);
  const { csrf_token: token, id } = answer.json;
  return {
    id,
    cookie,
    token,
    json: answer.json,
    get: (path, headers = {}) => s.get(path, { key: null, headers: { Cookie: cookie, ...headers } }),
    request: (method, path, { headers = {}, ...rest } = {}) =>
      s.request(method, path, { key: null, headers: { Cookie: cookie, 'X-CSRF-Token': token, ...headers }, ...rest }),
  };
}

export function assertError(answer, status, code, field) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.error.code, code, answer.text);
  if (field) assert.equal(answer.json.error.details.field, field, answer.text);
}

// The events of the self ledger with this action, oldest first.
export const told = async (s, action) => (await s.all({ ledger: 'self' })).filter((e) => e.action === action);
