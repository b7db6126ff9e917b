// What the tables of the program say of its API: routes, roles, permissions.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

// The rows `row(a, b, …)` of a table, as lists of texts.
function rows(file, row) {
  const text = readFileSync(resolve(here, '../../src', file), 'utf8').replace(/\/\*[^"]*?\*\//g, '');
  return [...text.matchAll(new RegExp(`^${row}\\(((?:"[^"]*"|[^")(]|\\([^)]*\\))*)\\)`, 'gm'))].map((found) =>
    [...found[1].matchAll(/(?:"[^"]*"|\([^)]*\)|[^,])+/g)].map((cell) => cell[0].trim().replace(/\s+/g, ' ').replace(/^"(.*)"$/, '$1')),
  );
}

// {name, method, path, permission, flags, isOpen} of every route.
export function routes() {
  return rows('api/route.tbl', 'ROUTE').map(([name, method, path, permission, flags]) => ({
    name,
    method,
    path,
    permission: permission.replace('PERMISSION_', ''),
    flags,
    isOpen: permission === 'PERMISSION_NONE' && !flags.includes('ROUTE_NEEDS_KEY'),
  }));
}

// {name: text} of every permission.
export function permissions() {
  return Object.fromEntries(rows('service/permission.tbl', 'PERMISSION').map(([name, , text]) => [name, text]));
}

// {role: Set of permission names} of the built-in roles.
export function roles() {
  const all = Object.keys(permissions());
  const node = ['OPERATE', 'ORGS'];
  const sets = { PERMISSIONS_ALL: all.filter((p) => !node.includes(p)), PERMISSIONS_NODE: node };
  const named = (text) => [...text.matchAll(/PERMISSIONS?_\w+/g)].flatMap(([name]) => sets[name] ?? [name.replace('PERMISSION_', '')]);
  return Object.fromEntries(
    rows('service/role.tbl', 'ROLE').map(([role, text]) => {
      const [held, ...taken] = text.split('~');
      return [role, new Set(named(held).filter((p) => !taken.flatMap(named).includes(p)))];
    }),
  );
}
