import { heredoc, hclString } from '../src/knowledge/hcl.ts';

/**
 * What a Packer file is made of. `words`: the options of apply and verify, quoted, each with a space before it. `config`: where the file
 * is on the machine, and its text as a heredoc. `asked`: the flags for a comment. `reboots`: changes may need one.
 */
type PackerParts = {
  readonly version: string;
  readonly binary: string;
  readonly sources: readonly string[];
  readonly installed: boolean;
  readonly config?: { readonly path: string; readonly text: string };
  readonly words: string;
  readonly asked: string;
  readonly reboots: boolean;
};

/** The whole file. */
export const packerFile = (parts: PackerParts): string =>
  [head(parts), variables(parts), locals(parts), ...(parts.sources.length > 0 ? [] : [example]), build(parts)].join('\n\n');

const head = ({ version, asked, sources, config, reboots }: PackerParts): string => `\
# Written by node-prep ${version}: node-prep render packer${asked === '' ? '' : ` ${asked}`}
#
# ${
  sources.length > 0
    ? `Put it beside the file that has ${sources.join(' and ')}, then: packer build .`
    : `As it is, it prepares a machine that runs already: packer build -var node_prep_host=ADDRESS THIS-FILE`
}
# In a build block of your own: keep the variable and the locals, and move the provisioners there, in this order.
# A machine on which something is blocked, or which is not as wanted in the end, fails the build.${reboots ? waits : ''}
#
# Builders of a mounted tree (amazon-chroot, azure-chroot) run no kernel of the image, so there node-prep has to work from
# outside. Set mount_path in the source, and use this in place of the provisioners below:
#   provisioner "shell-local" {
#     inline = ["${'${var.node_prep}'} apply --yes --root MOUNT_PATH${config ? ' --config FILE' : ''}${asked === '' ? '' : ' (the flags above)'}"]
#   }`;

const waits = `
# So does one that waits for its reboot (exit code 3): have a provisioner of your own reboot it, and let apply come again.`;

const variables = ({ binary, sources }: PackerParts): string => `\
variable "node_prep" {
  description = "The executable of node-prep, where packer build is called."
  type        = string
  default     = ${hclString(binary)}
}${
  sources.length > 0
    ? ''
    : `

variable "node_prep_host" {
  description = "The address of a machine that runs already; only for the example of a source."
  type        = string
  default     = "192.0.2.10"
}`
}`;

// A source that prepares a machine by SSH, with the keys of the agent.
const example = `\
source "null" "node-prep" {
  ssh_host       = var.node_prep_host
  ssh_username   = "root"
  ssh_agent_auth = true
}`;

const locals = (parts: PackerParts): string => `\
locals {
  # As root, by way of sudo (which must not ask for a password) where the SSH user is another.
  node_prep_as_root = "$(test \\"$(id -u)\\" = 0 || echo sudo -n) env {{ .Vars }} sh {{ .Path }}"
${
  parts.config
    ? `
  # The configuration. Its dollar and percent signs are HCL's where a brace follows.
  node_prep_config = ${parts.config.text}
`
    : ''
}
  node_prep_apply = ${heredoc(applyScript(parts), 'SCRIPT')}
}`;

const build = (parts: PackerParts): string => `\
build {
  sources = [${(parts.sources.length > 0 ? parts.sources : ['source.null.node-prep']).map((source) => `"${source}"`).join(', ')}]

  provisioner "file" {
    source      = var.node_prep
    destination = "${uploaded}"
  }

  provisioner "shell" {
    execute_command = local.node_prep_as_root
    inline          = [local.node_prep_apply]
  }
}`;

const uploaded = '/tmp/node-prep-packer';
const programOf = ({ installed }: PackerParts): string =>
  installed ? '/usr/local/bin/node-prep' : '/usr/local/bin/.node-prep-packer';

// The executable moves away from /tmp because that may be mounted noexec. Package lists are not refreshed here: apply does it
// where there are none, or where what they name cannot be had any more.
const applyScript = (parts: PackerParts): string =>
  [
    'set -eu',
    `trap 'rm -f ${leftovers(parts).join(' ')}' EXIT`,
    'if [ -d /run/systemd/system ] && command -v cloud-init >/dev/null 2>&1; then',
    "  echo 'Waiting for cloud-init: it may be at work with the package manager'",
    '  timeout 900 cloud-init status --wait >/dev/null || echo "cloud-init status: exit code $?; going on"',
    'fi',
    `install -D -m 0755 ${uploaded} ${programOf(parts)}`,
    ...(parts.config ? [`echo '\${base64encode(local.node_prep_config)}' | base64 -d >${parts.config.path}`] : []),
    `${programOf(parts)} apply --yes${parts.words}`,
    `${programOf(parts)} verify${parts.words}`,
  ].join('\n');

const leftovers = (parts: PackerParts): string[] => [
  uploaded,
  ...(parts.installed ? [] : [programOf(parts), ...(parts.config ? [parts.config.path] : [])]),
];
