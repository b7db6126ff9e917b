#!/usr/bin/env python3
"""Makes the OpenAPI description out of the route table and the texts beside it.

openapi.py API_FOLDER OUT: API_FOLDER holds route.tbl, param.tbl, route.c and the macros of sets of parameters;
openapi/*.json hold what tables cannot say. Paths, methods, parameters, permissions and the usual errors come from the
tables, so that they cannot tell of another API than the one that runs; a route or parameter without its text, and a text
without its route, fail the build.
"""
import json
import re
import sys
from pathlib import Path

ERROR = {'application/json': {'schema': {'$ref': '#/components/schemas/Error'}}}
HOLES = {
    'id': 'The id of the one meant.',
    'name': 'The name of the one meant.',
    'org': 'An org_key.',
    'job': 'The number of a job.',
    'ledger': '`main` or `self`.',
    'path': 'The rest of the path.',
}


def fail(message):
    sys.exit(f'openapi: {message}')


def read_json(path):
    """A JSON file in which no object has a name twice, as a text merged by hand may."""
    def once(pairs):
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                fail(f'{path}: "{name}" stands twice')
        return dict(pairs)
    return json.loads(path.read_text(), object_pairs_hook=once)


def cells_of(text, at):
    """The texts between the commas of an argument list that begins at `at`, behind its bracket."""
    cells, depth = [''], 1
    for token in re.finditer(r'"[^"]*"|.', text[at:], flags=re.S):
        depth += {'(': 1, ')': -1}.get(token[0], 0)
        if depth == 0:
            break
        if token[0] == ',' and depth == 1:
            cells.append('')
        else:
            cells[-1] += token[0]
    return [' '.join(cell.split()) for cell in cells]


def read_table(path, row, columns):
    """The rows `row(a, b, …)` of a table file, comments and line breaks taken out."""
    text = re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)
    rows = [cells_of(text, found.end()) for found in re.finditer(rf'^{row}\(', text, flags=re.M)]
    for cells in rows:
        if len(cells) != columns:
            fail(f'{path}: {row}({cells[0]}… has {len(cells)} columns, not {columns}')
    return rows


def read_sets(folder):
    """Macros that stand for sets of parameters: {name: text}."""
    sets = {}
    for path in sorted(folder.glob('*.[ch]')):
        text = path.read_text().replace('\\\n', ' ')
        for name, value in re.findall(r'^#define (PARAMS_\w+)\s+(.*)$', text, flags=re.M):
            sets[name] = value
    return sets


def params_of(text, sets):
    """The names in an expression of PARAM_BIT(…) and PARAMS_…, each once, in order."""
    names = []
    for bit, group in re.findall(r'PARAM_BIT\((\w+)\)|(PARAMS_\w+)', text):
        for name in [bit] if bit else params_of(sets[group], sets):
            if name not in names:
                names.append(name)
    return names


def schema_of(parameter):
    schema = {key: value for key, value in parameter.items() if key not in ('description', 'example')}
    return schema


def answer_of(answer):
    description, *what = answer
    made = {'description': description}
    if what and '/' in what[0]:
        made['content'] = {what[0]: {'schema': {'type': 'string'}}}
    elif what:
        made['content'] = {'application/json': {'schema': {'$ref': f'#/components/schemas/{what[0]}'}}}
    return made


def json_body(names, required, parameters, texts):
    properties = {}
    for name in names:
        properties[parameters[name]] = {**schema_of(texts[name]), 'description': texts[name]['description']}
        if 'example' in texts[name]:
            properties[parameters[name]]['examples'] = [texts[name]['example']]
    schema = {'type': 'object', 'additionalProperties': False, 'properties': properties}
    if required:
        schema['required'] = [parameters[name] for name in required]
    return {'required': True, 'content': {'application/json': {'schema': schema}}}


def url_parameters(names, required, parameters, texts):
    made = []
    for name in names:
        one = {'name': parameters[name], 'in': 'query', 'description': texts[name]['description'], 'schema': schema_of(texts[name])}
        if name in required:
            one['required'] = True
        if name in required and 'example' in texts[name]:
            one['example'] = texts[name]['example'] # the page fills it in: not where it would narrow a first try
        made.append(one)
    return made


def is_closed(permission, flags):
    """Whether a key is needed."""
    return permission != 'NONE' or 'ROUTE_NEEDS_KEY' in flags


class Maker:
    def __init__(self, folder):
        self.document = read_json(folder / 'openapi/api.json')
        self.operations = read_json(folder / 'openapi/operations.json')
        self.texts = read_json(folder / 'openapi/parameters.json')
        self.parameters = {name: text.strip('"') for name, text in read_table(folder / 'param.tbl', 'PARAM', 2)}
        service = folder.parent / 'service/permission.tbl'
        self.permissions = {row[0]: row[2].strip('"') for row in read_table(service, 'PERMISSION', 4)}
        self.routes = read_table(folder / 'route.tbl', 'ROUTE', 7)
        self.sets = read_sets(folder)
        self.shared_headers = self.document['components'].pop('headers')

    def check(self):
        names = [route[0] for route in self.routes]
        for what, have, want in (('operation', self.operations, names), ('parameter', self.texts, self.parameters)):
            missing = [name for name in want if name not in have]
            unknown = [name for name in have if name not in want]
            if missing or unknown:
                fail(f'{what}s without a text: {missing}; texts without {what}: {unknown} (src/api/openapi/*.json)')

    def operation(self, name, permission, flags, names):
        text = self.operations[name]
        required = text.get('required', [])
        made = {'operationId': name.lower(), 'summary': text['summary'], 'tags': [text['tag']]}
        rights = '' if permission == 'NONE' else f'Needs the permission `{self.permissions[permission]}`.'
        made['description'] = ' '.join(filter(None, (text.get('description'), rights))) or text['summary'] + '.'
        made['parameters'] = list(text.get('parameters', []))
        made['parameters'] += [self.shared_headers[header] for header in text.get('headers', [])]
        if 'ROUTE_HAS_JSON' in flags:
            made['requestBody'] = json_body(names, required, self.parameters, self.texts)
        else:
            made['parameters'] += url_parameters(names, required, self.parameters, self.texts)
        if 'body' in text:
            made['requestBody'] = {'required': True, 'content': {
                kind: {'schema': {'$ref': f'#/components/schemas/{schema}'}} for kind, schema in text['body'].items()}}
        made['responses'] = {status: answer_of(answer) for status, answer in text['answers'].items()}
        made['security'] = [{scheme: []} for scheme in self.schemes()] if is_closed(permission, flags) else []
        return made

    def schemes(self):
        return self.document['components']['securitySchemes']

    def add_errors(self, made, name, permission, flags, path):
        statuses = {400, 401, 403, 429, 503} if is_closed(permission, flags) else {400, 429, 503}
        statuses |= {404} if '{' in path else set()
        statuses |= set(self.operations[name].get('errors', []))
        for status in sorted(statuses):
            made['responses'].setdefault(str(status), {'$ref': f'#/components/responses/{status}'})

    def make(self):
        self.check()
        paths = self.document['paths'] = {}
        for name, method, path, permission, flags, params, _ in self.routes:
            if self.operations[name].get('hidden'):
                continue
            path = path.strip('"').replace('*}', '}')
            permission = permission.removeprefix('PERMISSION_')
            made = self.operation(name, permission, flags, params_of(params, self.sets))
            self.add_errors(made, name, permission, flags, path)
            made['parameters'] = [
                {'name': hole, 'in': 'path', 'required': True, 'description': HOLES[hole], 'schema': {'type': 'string'}}
                for hole in re.findall(r'{(\w+)}', path)] + made['parameters']
            if not made['parameters']:
                del made['parameters']
            paths.setdefault(path, {})[method.lower()] = made
        for response in self.document['components']['responses'].values():
            response.setdefault('content', ERROR)
        return self.document


def main():
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.write_text(json.dumps(Maker(folder).make(), ensure_ascii=False, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
