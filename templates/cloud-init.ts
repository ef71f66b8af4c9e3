/** A file that cloud-init writes. `content`: any text; `mode`: octal. */
export type WrittenFile = { readonly path: string; readonly mode: string; readonly content: string };

/** The user-data around the files. `made`: how it came to be, one line. `script`: the path of the one to run. */
export const userData = (made: string, files: readonly WrittenFile[], script: string): string =>
  `#cloud-config
# ${made}
# At an instance's first boot: prepares the host, and says how to the console, /var/log/cloud-init-output.log and
# /var/log/node-prep.log. If it cannot, cloud-final.service fails, and cloud-init status says error.
write_files:
${files.map(fileLines).join('\n')}
runcmd:
  # Ends at the first command that fails, so that what follows finds a prepared host.
  - set -e
  - [sh, ${script}]
  # Your own commands go here, such as:
  # - kubeadm join --config /etc/kubernetes/join.yaml
`;

const fileLines = ({ path, mode, content }: WrittenFile): string =>
  [`  - path: ${path}`, `    permissions: '${mode}'`, ...contentLines(content)].join('\n');

/** As a block where YAML 1.1 gives it back unchanged: printable, with plain line ends, the first line not indented. */
const contentLines = (content: string): string[] =>
  isPrintable(content) && /^[^\s]/.test(content) && /[^\n]\n$/.test(content)
    ? [
        '    content: |',
        ...content
          .slice(0, -1)
          .split('\n')
          .map((line) => (line === '' ? '' : `      ${line}`)),
      ]
    : ['    encoding: b64', `    content: '${base64(content)}'`];

/** Whether every character may stand in YAML 1.1 as it is and is no line end but \n (production c-printable, without b-break). */
export const isPrintable = (text: string): boolean =>
  /^[\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]*$/u.test(text);

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
