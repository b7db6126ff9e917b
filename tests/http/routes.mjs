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

// {name, method, path, permission, flags} of every route.
export function routes() {
  return rows('api/route.tbl', 'ROUTE').map(([name, method, path, permission, flags]) => ({ name, method, path, permission: permission.replace('PERMISSION_', ''), flags }));
}

// {name: text} of every permission.
export function permissions() {
  return Object.fromEntries(rows('service/permission.tbl', 'PERMISSION').map(([name, , text]) => [name, text]));
}
