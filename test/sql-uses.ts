/** Finds the tables that a file with SQL reads and writes: in kysely calls, and in the text of its
 * `sql` templates. */
import ts from 'typescript';

export interface Use {
  does: 'reads' | 'writes';
  table: string;
}

/** Stands for a table whose name is computed at run time. */
export const computed = '(computed)';

const readers = new Set([
  'selectFrom',
  'from',
  'using',
  'innerJoin',
  'leftJoin',
  'rightJoin',
  'fullJoin',
  'crossJoin',
  'innerJoinLateral',
  'leftJoinLateral',
  'crossJoinLateral',
]);
const writers = new Set(['insertInto', 'replaceInto', 'updateTable', 'deleteFrom', 'mergeInto']);

/** Whether the argument of a reader is a query instead of a table: `from((e) => …)`. */
const isQuery = (node: ts.Expression): boolean =>
  ts.isArrowFunction(node) || ts.isFunctionExpression(node) || ts.isCallExpression(node);

/** Every string written in a part of the source. */
function stringsIn(node: ts.Node): string[] {
  const found: string[] = [];
  const visit = (inner: ts.Node): void => {
    if (ts.isStringLiteralLike(inner)) found.push(inner.text);
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return found;
}

/** The possible values of a variable, when its declaration lists them: a loop over an array of
 * strings, or a parameter whose type is a union of strings. */
function valuesOf(variable: ts.Identifier): string[] {
  for (let node: ts.Node = variable.parent; node !== undefined; node = node.parent) {
    if (
      ts.isForOfStatement(node) &&
      ts.isVariableDeclarationList(node.initializer) &&
      node.initializer.declarations.some(({ name }) => name.getText() === variable.text)
    )
      return stringsIn(node.expression);
    if (ts.isFunctionLike(node)) {
      const parameter = node.parameters.find(({ name }) => name.getText() === variable.text);
      if (parameter !== undefined)
        return parameter.type === undefined ? [] : stringsIn(parameter.type);
    }
  }
  return [];
}

/** `'servers as s'` refers to the table servers. */
function tablesIn(argument: ts.Expression): string[] {
  if (ts.isStringLiteralLike(argument)) return [argument.text.trim().split(/\s+/)[0] ?? ''];
  if (ts.isArrayLiteralExpression(argument)) return argument.elements.flatMap(tablesIn);
  if (ts.isIdentifier(argument)) {
    const values = valuesOf(argument);
    return values.length > 0 ? values : [computed];
  }
  return isQuery(argument) ? [] : [computed];
}

/** The text of a template, with `?0`, `?1` … for its expressions. */
function textOf(template: ts.TemplateLiteral): string {
  if (ts.isNoSubstitutionTemplateLiteral(template)) return template.text;
  return template.templateSpans.reduce(
    (text, span, at) => `${text}?${at}${span.literal.text}`,
    template.head.text,
  );
}

function usesInTemplate(template: ts.TemplateLiteral): Use[] {
  const spans = ts.isTemplateExpression(template) ? template.templateSpans : [];
  const named = (word: string): string[] => {
    if (!word.startsWith('?')) return [word.replaceAll('"', '')];
    const call = spans[Number(word.slice(1))]?.expression;
    const isTable =
      call !== undefined && ts.isCallExpression(call) && call.expression.getText() === 'sql.table';
    const [argument] = isTable ? call.arguments : [];
    return argument === undefined ? [computed] : tablesIn(argument);
  };
  const found: Use[] = [];
  const text = textOf(template).toLowerCase();
  for (const [, verb = '', word = ''] of text.matchAll(
    /\b(delete\s+from|from|join|using|insert\s+into|replace\s+into|merge\s+into|update)\s+(\?\d+|"?[a-z_]+"?)/g,
  ))
    for (const table of named(word))
      found.push({ does: /^(from|join|using)$/.test(verb) ? 'reads' : 'writes', table });
  return found;
}

/** `tables`: every existing table. Other names are aliases or subqueries of the query itself. */
export function usesIn(source: string, tables: readonly string[]): Use[] {
  const file = ts.createSourceFile('store.ts', source, ts.ScriptTarget.Latest, true);
  const found: Use[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      const name = ts.isPropertyAccessExpression(expression)
        ? expression.name.text
        : expression.getText();
      const [argument] = node.arguments;
      const does = writers.has(name) ? 'writes' : readers.has(name) ? 'reads' : null;
      const isArrayFrom = expression.getText() === 'Array.from';
      if (does !== null && argument !== undefined && !isArrayFrom)
        for (const table of tablesIn(argument)) found.push({ does, table });
    }
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'sql')
      found.push(...usesInTemplate(node.template));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found.filter(({ table }) => table === computed || tables.includes(table));
}
