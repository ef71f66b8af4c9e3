/**
 * Text as HCL2 reads it back unchanged between quotes. What would begin a template there is written by its code point, which
 * no scanner takes for one, whatever stands before it. hashicorp/hcl:hclsyntax/spec.md, "Template Expressions".
 */
export const hclString = (text: string): string =>
  `"${text
    .replace(/["\\]/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replace(/[\x00-\x1f\x7f]|[$%]+(?=\{)/g, byCodePoint)}"`;

/**
 * Lines of text as a heredoc, with an end mark that none of them is; the text ends with a line end. HCL2 knows no escapes in
 * there but templates, so that is what stands for the beginning of one.
 */
export const hclHeredoc = (text: string, mark: string): string =>
  heredoc(
    text.replace(/[$%]+(?=\{)/g, (signs) => `\${"${signs}"}`),
    mark,
  );

/** The same for text that has HCL2's templates in it, and means them. */
export const heredoc = (template: string, mark: string): string => {
  const lines = new Set(template.split('\n').map((line) => line.trim()));
  let free = mark;
  while (lines.has(free)) free += '_';
  return `<<${free}\n${template}${template.endsWith('\n') ? '' : '\n'}${free}`;
};

/** Words of a shell, quoted already, without anything that HCL2 or Packer's own templates (Go's) take for theirs: the quotes are ended and begun again in between. */
export const withoutTemplates = (quoted: string): string => quoted.replace(/[{$%](?=\{)/g, "$&''");

const byCodePoint = (signs: string): string =>
  [...signs].map((sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
