/* SPDX-License-Identifier: MIT
 *
 * What `brood --help` says. */
#include "brood/config/options_help.h"

static const char text[] =
	"usage: brood [OPTION]... [ROOT]\n"
	"       brood prove [restart|reload|upgrade|kill|stop]... [OPTION]...\n"
	"\n"
	"Serves the files below the folder ROOT (./www, or the installed one) by HTTP, from several\n"
	"worker processes that can be replaced without a client noticing.\n"
	"\n"
	"  -l, --listen ADDRESS:PORT  listen there; may be repeated (*:8000); tls: in front for TLS\n"
	"                             *:8000, 127.0.0.1:80, [::1]:8000, a bare port, unix:/path\n"
	"  -w, --workers N|auto       number of worker processes (auto: the CPUs that may be used)\n"
	"  -a, --accept MODE          how connections get to workers: shared, handoff or reuseport\n"
	"                             (shared)\n"
	"  -c, --config FILE          read this configuration; without it no file is read\n"
	"  -s, --set NAME=VALUE       any setting of the configuration, on top of the file\n"
	"  -p, --pid-file FILE        write the master's process id there, and keep the file locked\n"
	"      --control PATH|off     socket for broodctl (/run/brood/control.sock for root, else\n"
	"                             $XDG_RUNTIME_DIR/brood/control.sock)\n"
	"  -d, --daemon               go to the background; returns when ready to serve\n"
	"  -t, --test                 check the configuration, start nothing; exits with 0 or 1\n"
	"  -T                         check and print all settings, defaults included\n"
	"  -v, --verbose              say more in the error log\n"
	"  -V, --version              print the version\n"
	"  -h, --help                 print this\n"
	"\n"
	"Signals to the master: HUP reads the configuration again and replaces the workers, USR1\n"
	"reopens the logs, USR2 goes on with the program that is installed now, TTIN\n"
	"and TTOU add and remove a worker, TERM stops (again later: at once).\n"
	"\n"
	"  brood                      serve ./www on port 8000\n"
	"  brood -l 80 -w 4 /srv/www  serve /srv/www on port 80 with four workers\n"
	"  brood -T                   show what can be set, and to what it is\n"
	"  brood prove                see what clients notice of restarts, reloads and dead workers\n"
	"\n"
	"brood(8) and brood.conf(5) tell all.\n";

void options_help(FILE *out)
{
	fputs(text, out);
}
