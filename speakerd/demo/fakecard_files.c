/* The files of the fake sound card: its fields, its sound, its log and its published position. See fakecard.h. */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64 /* mic.raw of three hours is longer than 2 GiB */
#include "fakecard.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

static int copy(char *to, size_t size, const char *text)
{
	return snprintf(to, size, "%s", text) < (int)size ? 0 : -ENAMETOOLONG;
}

static int read_field(struct card *card, snd_config_t *field, const char *id)
{
	const struct {
		const char *id;
		long *value;
	} numbers[] = {
		{"rate", &card->rate},       {"channels", &card->channels},   {"mic_channels", &card->mic_channels},
		{"ppm", &card->ppm},         {"step", &card->step},           {"jitter_us", &card->jitter_us},
		{"seed", &card->seed},
	};
	const char *text;
	int error;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!strcmp(id, numbers[i].id))
			return snd_config_get_integer(field, numbers[i].value);
	if (!strcmp(id, "type") || !strcmp(id, "hint"))
		return 0;
	if ((error = snd_config_get_string(field, &text)) < 0)
		return error;
	if (!strcmp(id, "dir"))
		return copy(card->dir, sizeof card->dir, text);
	if (!strcmp(id, "directions"))
		return copy(card->directions, sizeof card->directions, text);
	if (!strcmp(id, "format"))
		return (card->format = snd_pcm_format_value(text)) == SND_PCM_FORMAT_UNKNOWN ? -EINVAL : 0;
	if (!strcmp(id, "epoch_ns"))
		return card->epoch_ns = strtoull(text, NULL, 10), 0;
	return -EINVAL;
}

int read_fields(struct card *card, snd_config_t *conf)
{
	snd_config_iterator_t at, next;
	snd_config_for_each(at, next, conf)
	{
		snd_config_t *field = snd_config_iterator_entry(at);
		const char *id;
		int error = snd_config_get_id(field, &id);
		if (error < 0)
			return error;
		if ((error = read_field(card, field, id)) < 0) {
			SNDERR("fakecard: the field %s is unknown or of the wrong type", id);
			return error;
		}
	}
	return 0;
}

void path_of(const struct card *card, const char *file, char path[PATH_BYTES])
{
	snprintf(path, PATH_BYTES, "%s/%s", card->dir, file);
}

int file_exists(const struct card *card, const char *file)
{
	char path[PATH_BYTES];
	path_of(card, file, path);
	return access(path, F_OK) == 0;
}

void note_at(const struct card *card, uint64_t ns, const char *format, ...)
{
	char line[300];
	int length = snprintf(line, sizeof line, "%" PRIu64 ".%09" PRIu64 " ", ns / NS_PER_SECOND, ns % NS_PER_SECOND);
	va_list details;
	va_start(details, format);
	length += vsnprintf(line + length, sizeof line - length - 1, format, details);
	va_end(details);
	line[length++] = '\n';
	if (write(card->log, line, length) < 0)
		SNDERR("%s.log cannot be written", card->name);
}

static int open_file(const struct card *card, const char *ending, int flags)
{
	char file[32], path[PATH_BYTES];
	snprintf(file, sizeof file, "%s.%s", card->name, ending);
	path_of(card, file, path);
	int fd = open(path, flags | O_CREAT | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : fd;
}

/* The lock on the position file is what makes a second open of one direction fail, as on real hardware. */
int open_files(struct card *card, snd_pcm_stream_t stream)
{
	int sound_flags = stream == SND_PCM_STREAM_PLAYBACK ? O_WRONLY | O_APPEND : O_RDONLY;
	if (unplugged(card))
		return -ENODEV;
	if (file_exists(card, "busy"))
		return -EBUSY;
	if ((card->position_file = open_file(card, "position", O_RDWR)) < 0)
		return card->position_file;
	if (flock(card->position_file, LOCK_EX | LOCK_NB) < 0)
		return -EBUSY;
	if (ftruncate(card->position_file, sizeof *card->position) < 0)
		return -errno;
	card->position = mmap(NULL, sizeof *card->position, PROT_READ | PROT_WRITE, MAP_SHARED, card->position_file, 0);
	if (card->position == MAP_FAILED) {
		card->position = NULL;
		return -errno;
	}
	if ((card->log = open_file(card, "log", O_WRONLY | O_APPEND)) < 0)
		return card->log;
	if ((card->sound = open_file(card, "raw", sound_flags)) < 0)
		return card->sound;
	card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return card->timer < 0 ? -errno : 0;
}

/* Everything below `hw` has left the loudspeaker: it goes to speaker.raw. */
int write_heard(struct card *card, uint64_t hw)
{
	while (card->written < hw) {
		size_t offset = card->written % card->io.buffer_size;
		size_t frames = card->io.buffer_size - offset;
		if (frames > hw - card->written)
			frames = hw - card->written;
		ssize_t bytes = frames * card->frame_bytes;
		if (write(card->sound, card->ring + offset * card->frame_bytes, bytes) != bytes)
			return -EIO;
		card->written += frames;
	}
	return 0;
}

int read_mic(const struct card *card, char *to, snd_pcm_uframes_t frames)
{
	size_t bytes = frames * card->frame_bytes;
	uint64_t frame = card->started_frame + card->io.appl_ptr;
	ssize_t got = pread(card->sound, to, bytes, frame * card->frame_bytes);
	if (got < 0)
		return -EIO;
	memset(to + got, 0, bytes - got);
	return 0;
}

void free_card(struct card *card)
{
	int files[] = {card->timer, card->log, card->sound, card->position_file};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (files[i] >= 0)
			close(files[i]);
	if (card->position)
		munmap(card->position, sizeof *card->position);
	free(card->ring);
	free(card);
}
