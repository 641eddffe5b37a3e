/* What goes wrong on the fake sound card: late wake-ups, xruns on demand, a pulled plug. See fakecard.h. */
#include "fakecard.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 9000000
#define TICKS_AT_ONCE 65536

/* splitmix64: the same seed makes the same jitter. */
static uint64_t random_below(struct card *card, uint64_t limit)
{
	uint64_t z = card->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % limit;
}

static uint64_t ceil_ns(double ns)
{
	uint64_t whole = ns;
	return whole + (whole < ns);
}

static int set_timer(const struct card *card, uint64_t at_ns, uint64_t period_ns)
{
	struct timespec first = {at_ns / NS_PER_SECOND, at_ns % NS_PER_SECOND};
	struct timespec then = {period_ns / NS_PER_SECOND, period_ns % NS_PER_SECOND};
	struct itimerspec ticks = {then, first};
	return timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &ticks, NULL) < 0 ? -errno : 0;
}

/* The next tick, and from it on one after another: their distance is rounded, so they are set anew now and then. */
static int set_ticks(const struct card *card)
{
	return set_timer(card, card->started_ns + ceil_ns(card->tick * card->tick_ns), ceil_ns(card->tick_ns));
}

static int set_late_tick(struct card *card)
{
	card->tick_late_ns = random_below(card, card->jitter_us * 1000 + 1);
	return set_timer(card, card->started_ns + ceil_ns(card->tick * card->tick_ns) + card->tick_late_ns, 0);
}

int start_ticks(struct card *card, double tick_ns)
{
	card->tick_ns = tick_ns;
	card->tick = 1;
	card->late_ns = 0;
	return card->jitter_us ? set_late_tick(card) : set_ticks(card);
}

int stop_ticks(struct card *card)
{
	return set_timer(card, 0, 0);
}

/* A poll has returned: what woke it is taken, and the next wake-up is set where each is irregular. 1 if there was one. */
int take_tick(struct card *card)
{
	uint64_t ticks, before = card->tick;
	if (read(card->timer, &ticks, sizeof ticks) < 0)
		return errno == EAGAIN ? 0 : -errno;
	int error = 0;
	if (!card->jitter_us) {
		card->tick += ticks;
		if (before / TICKS_AT_ONCE != (uint64_t)card->tick / TICKS_AT_ONCE)
			error = set_ticks(card);
		return error < 0 ? error : 1;
	}
	/* The position lags by no more than this wake-up did, so that no wake-up comes before its frames. */
	card->late_ns = random_below(card, card->tick_late_ns + 1);
	double passed = (now_ns() - card->started_ns) / card->tick_ns;
	double most_late = card->jitter_us * 1000 / card->tick_ns + 1;
	card->tick++;
	if (card->tick + most_late < passed)
		card->tick += (uint64_t)(passed - most_late - card->tick); /* nobody looked for long: not all need to come */
	error = set_late_tick(card);
	return error < 0 ? error : 1;
}

/* Ticks come half a period sooner: a reader who does not take whole periods is late by so much at most. */
int shift_ticks(struct card *card)
{
	card->tick -= 0.5;
	return card->jitter_us ? set_late_tick(card) : set_ticks(card);
}

static int look_changed(struct card *card)
{
	struct stat folder;
	struct timespec now;
	if (stat(card->dir, &folder) < 0)
		return 1;
	clock_gettime(CLOCK_REALTIME, &now);
	int is_new = folder.st_mtim.tv_sec != card->seen.tv_sec || folder.st_mtim.tv_nsec != card->seen.tv_nsec;
	card->seen = folder.st_mtim;
	return is_new || now.tv_sec - folder.st_mtim.tv_sec <= 1;
}

/* Whether files may have come since this was asked with the same `who`. A card asks hundreds of times a second, which
 * would cost more than all else that it does: it looks once a period. The clock of a file system moves in steps of some
 * milliseconds, so what has just changed may be changing again.
 */
static int folder_changed(struct card *card, int who)
{
	uint64_t ns = now_ns();
	if (ns - card->looked_ns >= LOOK_NS) {
		card->looked_ns = ns;
		if (look_changed(card))
			card->has_news[0] = card->has_news[1] = 1;
	}
	int has_news = card->has_news[who];
	card->has_news[who] = 0;
	return has_news;
}

static enum gone style_of(const struct card *card, const char *file)
{
	char path[PATH_BYTES], style = 0;
	path_of(card, file, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PRESENT;
	if (read(fd, &style, 1) < 0)
		style = 0;
	close(fd);
	return style == 'e' ? GONE_ENODEV : style == 'h' ? GONE_HANG : GONE_POLLERR;
}

enum gone unplugged(const struct card *card)
{
	enum gone gone = style_of(card, "unplug");
	return gone ? gone : style_of(card, is_playback(card) ? "unplug.speaker" : "unplug.mic");
}

int is_gone(struct card *card)
{
	if (!card->gone && folder_changed(card, 0) && (card->gone = unplugged(card))) {
		const char *event = card->gone == GONE_HANG ? "HANG" : "ENODEV";
		card->running = 0;
		note(card, "%s hw=%" PRIu64 " appl=%lu", event, card->hw, card->io.appl_ptr);
		if (card->gone == GONE_HANG)
			stop_ticks(card);
	}
	if (!card->gone || card->gone == GONE_HANG)
		return 0;
	snd_pcm_ioplug_set_state(&card->io, SND_PCM_STATE_DISCONNECTED);
	return 1;
}

int take_disturbance(struct card *card)
{
	char path[PATH_BYTES];
	if (!folder_changed(card, 1))
		return 0;
	path_of(card, is_playback(card) ? "disturb.speaker" : "disturb.mic", path);
	return unlink(path) == 0;
}
