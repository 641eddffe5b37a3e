/* The fake sound card: what its parts share. fakecard.c speaks with ALSA, fakecard_files.c keeps the files,
 * fakecard_trouble.c is what goes wrong: late wake-ups, xruns on demand, a pulled plug.
 *
 * The law of this card: its only clock is CLOCK_MONOTONIC. The room's position is a pure function of that clock, the
 * card's epoch, the rate and the drift, so the room goes on while nobody listens.
 *
 *   speaker.raw       every frame that has left the loudspeaker, in order, and nothing else (in the card's format, interleaved)
 *   mic.raw           what the room sounds like: frame n is heard at epoch + n / rate; silence after its end
 *   speaker.position  struct position below: frames heard in the card's life
 *   mic.position      struct position below: the room's position when the stream last looked
 *   speaker.log       one line for each event: seconds.nanoseconds EVENT details
 *   mic.log
 *   unplug            while this file exists the card is gone, as a USB card that was pulled. unplug.mic and
 *                     unplug.speaker are gone in one direction. The first letter in the file is the style: e (enodev:
 *                     every call fails, poll reports no error), h (hang: never ready again, no error), else pollerr
 *   disturb.mic       the next look at a running stream takes this file away and makes an xrun of it; disturb.speaker
 *   busy              while this file exists every open fails with EBUSY, as does a second open of one direction
 *
 * Fields of the pcm: dir, epoch_ns (a string of digits), rate (0 is any), channels, mic_channels (0 is channels), format,
 * directions (mic, speaker or both), ppm (drift), step (frames by which the reported position moves on), jitter_us (how
 * late wake-ups and the reported position may come), seed (of the jitter).
 */
#ifndef FAKECARD_H
#define FAKECARD_H

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <stdint.h>

/* What the files *.position hold; card.py reads it as "<3Q". */
struct position {
	uint64_t frames;
	uint64_t start_ns; /* CLOCK_MONOTONIC when the stream started; 0 before */
	uint64_t rate_hz;  /* of the stream that was prepared last; 0 before */
};

enum gone { PRESENT, GONE_POLLERR, GONE_ENODEV, GONE_HANG };

struct card {
	snd_pcm_ioplug_t io;
	const char *name; /* "speaker" or "mic" */
	char dir[4000];
	uint64_t epoch_ns;
	char directions[16];
	snd_pcm_format_t format;
	long rate, channels, mic_channels, ppm, step, jitter_us, seed;
	int timer, log, sound, position_file;
	struct position *position;
	int running;
	enum gone gone;
	double tick_ns;         /* between two wake-ups: one for each period, as a real card has interrupts */
	double tick;            /* the next wake-up, counted from started_ns */
	uint64_t tick_late_ns;  /* by how much the next wake-up will come late */
	uint64_t late_ns;       /* by how much the reported position lags at present */
	uint64_t random;
	struct timespec seen;    /* when the folder had changed at the last look */
	uint64_t looked_ns;      /* when that was */
	int has_news[2];         /* whether is_gone and take_disturbance have not seen yet what has changed */
	uint64_t started_ns;    /* when this run began */
	uint64_t started_frame; /* mic: the room's position then; speaker: frames heard before this run */
	uint64_t hw;            /* frames of this run that the card has played or captured */
	uint64_t written;       /* speaker: frames of this run in speaker.raw */
	char *ring;             /* speaker: what the application has queued */
	size_t frame_bytes;
};

#define NS_PER_SECOND ((uint64_t)1000000000)
#define PATH_BYTES 4096

uint64_t now_ns(void);

/* All return 0 or a negative errno. */
int read_fields(struct card *card, snd_config_t *conf);
int open_files(struct card *card, snd_pcm_stream_t stream);
int write_heard(struct card *card, uint64_t hw);
int read_mic(const struct card *card, char *to, snd_pcm_uframes_t frames);

int start_ticks(struct card *card, double tick_ns);
int stop_ticks(struct card *card);
int take_tick(struct card *card); /* or 1 */
int shift_ticks(struct card *card);

/* True once the card was pulled; a pulled stream stays dead even when the card is plugged in again. */
int is_gone(struct card *card);
enum gone unplugged(const struct card *card);
/* True once for each file disturb.mic or disturb.speaker. */
int take_disturbance(struct card *card);

int is_playback(const struct card *card);
void path_of(const struct card *card, const char *file, char path[PATH_BYTES]);
int file_exists(const struct card *card, const char *file);
void note_at(const struct card *card, uint64_t ns, const char *format, ...) __attribute__((format(printf, 3, 4)));
#define note(card, ...) note_at(card, now_ns(), __VA_ARGS__)
void free_card(struct card *card);

#endif
