/**
 * What commands are started with. /sbin and /usr/sbin are not in an ordinary user's PATH on Debian, a session that a program began may
 * have none at all, and an empty folder in it would mean the current one. Words must be English to be read.
 */
export const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [...(process.env['PATH'] || '/usr/local/bin:/usr/bin:/bin').split(':'), ...systemFolders]
    .filter((folder, i, all) => folder !== '' && all.indexOf(folder) === i)
    .join(':'),
  LC_ALL: 'C',
});

const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
